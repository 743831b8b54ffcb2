import { createContext, useContext } from "react";
import type { Organization, Role, User } from "./api/types";
import { browserKept, tabKept } from "./storage";

export type Environment = "production" | "development";
/** What routes ask for: see the access rules of the API. */
export type Right = "read" | "edit" | "admin" | "team" | "owner";

export interface Session {
  readonly user: User;
  readonly organization: Organization;
  /** All that the person is in; empty where the server does not say. */
  readonly organizations: readonly { readonly id: string; readonly name: string; readonly role: string }[];
  readonly environment: Environment;
  readonly setEnvironment: (environment: Environment) => void;
  readonly setOrganization: (organization: Organization) => void;
  readonly setPerson: (person: { readonly user?: User; readonly organization?: Organization }) => void;
  readonly can: (right: Right) => boolean;
  readonly signOut: () => void;
  /** The session has ended on the server already: the page of logging in. */
  readonly leave: () => void;
}

const rights: Readonly<Record<Right, readonly Role[]>> = {
  read: ["owner", "admin", "editor", "member"], edit: ["owner", "admin", "editor"], admin: ["owner", "admin"], team: ["owner", "admin"], owner: ["owner"],
};

export function may(role: Role, right: Right): boolean {
  return rights[right].includes(role);
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("no session here");
  return session;
}

const keyOfFirstKey = "emban.first-key.";

/** The key that an environment of an organisation began with, for as long as this tab is open: it is told nowhere else. */
export const firstKey = {
  get: (organization: string, environment: Environment): string | null => tabKept.get(`${keyOfFirstKey}${organization}.${environment}`),
  set: (organization: string, environment: Environment, key: string): void => tabKept.set(`${keyOfFirstKey}${organization}.${environment}`, key),
  clear: (): void => tabKept.forget(keyOfFirstKey),
};

const keyOfEnvironment = "emban.environment";

/** Which environment this browser looks at. A new organisation begins with production, and so does its first key. */
export const chosenEnvironment = {
  get: (): Environment => (browserKept.get(keyOfEnvironment) === "development" ? "development" : "production"),
  set: (environment: Environment): void => browserKept.set(keyOfEnvironment, environment),
};

const otherTabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("emban.session");

/** Tells the console's other tabs and windows that the cookie they share is another one, or gone. */
export function tellOthers(): void {
  otherTabs?.postMessage("changed");
}

/** Called when another tab or window has signed in or out, or has gone on in another organisation. */
export function onOthers(listener: () => void): () => void {
  otherTabs?.addEventListener("message", listener);
  return () => otherTabs?.removeEventListener("message", listener);
}
