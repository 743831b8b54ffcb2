import { createContext, useContext } from "react";
import type { Organization, Role, User } from "./api/types";

export type Environment = "production" | "development";
/** What routes ask for: see the access rules of the API. */
export type Right = "read" | "edit" | "admin" | "owner";

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
}

const rights: Readonly<Record<Right, readonly Role[]>> = {
  read: ["owner", "admin", "editor", "member"], edit: ["owner", "admin", "editor"], admin: ["owner", "admin"], owner: ["owner"],
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

const keyOfFirstKey = "emban.first-key";

/** The key that registration has shown, for as long as this tab is open: it is told nowhere else. */
export const firstKey = {
  get: (): string | null => sessionStorage.getItem(keyOfFirstKey),
  set: (key: string): void => sessionStorage.setItem(keyOfFirstKey, key),
  clear: (): void => sessionStorage.removeItem(keyOfFirstKey),
};
