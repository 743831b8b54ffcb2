import { createContext, useContext } from "react";
import type { Theme } from "@emban/core";
import type { SharedDashboard } from "./shared-dashboard";

export interface DrillEvent {
  readonly dimension: string;
  readonly value: string;
  readonly widgetId: string;
  /** The bucket of time that was clicked, half-open. */
  readonly range?: { readonly from: string; readonly to: string };
  readonly secondDimension?: string;
  readonly secondValue?: string;
}

export interface ErrorEvent {
  readonly code: string;
  readonly message: string;
}

/** What the components below a provider share. */
export interface Session {
  readonly shared: SharedDashboard;
  readonly theme: Theme | undefined;
  readonly live: boolean | undefined;
  readonly drilled: (event: DrillEvent) => void;
  readonly failed: (event: ErrorEvent) => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("Emban: this belongs below an EmbanProvider");
  return session;
}
