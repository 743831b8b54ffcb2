import { createContext, useContext } from "react";
import type { Organization, Role, User } from "./api/types";

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

/** The key that an organisation began with, for as long as this tab is open: it is told nowhere else. */
export const firstKey = {
  get: (organization: string): string | null => sessionStorage.getItem(keyOfFirstKey + organization),
  set: (organization: string, key: string): void => sessionStorage.setItem(keyOfFirstKey + organization, key),
  clear: (): void => {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(keyOfFirstKey)) sessionStorage.removeItem(name);
  },
};
