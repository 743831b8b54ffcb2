/** The little of Node.js that is used here; the package needs no types of others to be built or used. */
declare module "node:crypto" {
  export function randomUUID(): string;
}

declare const process: {
  on(event: "beforeExit" | "exit", listener: () => void): void;
};
