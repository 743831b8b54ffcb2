import type { QueryFilter } from "../api/types";

type Op = NonNullable<Extract<QueryFilter, { readonly dimension: string }>["op"]>;

/** Whether the server takes it: a filter of texts needs one at least. */
export function isWhole(filter: QueryFilter): boolean {
  return filter.values.length > 0;
}

/** The same condition for as many values: `eq` and `neq` are of exactly one. */
export function opFor(op: Op | undefined, values: readonly string[]): Op {
  if (values.length === 1) return op ?? "in";
  return op === "eq" ? "in" : op === "neq" ? "not_in" : op ?? "in";
}
