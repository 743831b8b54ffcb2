import type { EmbanError } from "./errors";
import type { FetchLike } from "./client";
import type { ViewState } from "./state";
import type { DashboardConfig, Filters, QueryResult } from "./types";

export interface WidgetState {
  readonly status: "loading" | "ok" | "error";
  /** The last good answer; kept while a newer one is on its way, so that nothing jumps. */
  readonly result: QueryResult | null;
  readonly error: EmbanError | null;
}

export type Phase = "idle" | "loading" | "ready" | "failed";

export type ControllerEvent =
  | { readonly type: "phase"; readonly phase: Phase }
  /** What one viewer had is gone, and with it what the host had set for them: the host's own settings are to be made once more. */
  | { readonly type: "forgotten" }
  | { readonly type: "config"; readonly config: DashboardConfig }
  | { readonly type: "state"; readonly state: ViewState }
  | { readonly type: "widget"; readonly id: string; readonly widget: WidgetState }
  /** All widgets have settled; `first` after the first load, `whole` when none of them failed. The session works. */
  | { readonly type: "settled"; readonly first: boolean; readonly whole: boolean }
  /** The viewer changed a filter. */
  | { readonly type: "filter"; readonly filters: Filters }
  | { readonly type: "period-change"; readonly period: string }
  | { readonly type: "error"; readonly code: string; readonly message: string; /** The server refused the state, which was taken back. */ readonly reverted?: true }
  | { readonly type: "token-expiring"; readonly expiresAt: string };

export interface ControllerOptions {
  readonly host: string;
  readonly fetch?: FetchLike;
  /** Show these widgets only. */
  readonly only?: readonly string[];
  /** Id or slug of the dashboard that the session must be for. */
  readonly dashboard?: string;
}
