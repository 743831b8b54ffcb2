import type { DashboardConfig, DateRange, Filters, NumericRange } from "./types";

/** What the viewer has chosen. A plain value: serialisable, compared by content, changed only by `reduce`. */
export interface ViewState {
  readonly period: string | null;
  readonly dimensions: Readonly<Record<string, readonly string[]>>;
  readonly numericRanges: Readonly<Record<string, NumericRange>>;
  readonly dateRanges: DateRange | null;
}

/** `state` of `POST /v1/embed/query`: a ViewState without its empty parts. */
export interface WireState {
  readonly period?: string;
  readonly dimensions?: Readonly<Record<string, readonly string[]>>;
  readonly numericRanges?: Readonly<Record<string, NumericRange>>;
  readonly dateRanges?: DateRange;
}

export type Action =
  | { readonly type: "period"; readonly period: string }
  | { readonly type: "dimension"; readonly dimension: string; readonly values: readonly string[] }
  | { readonly type: "toggle"; readonly dimension: string; readonly value: string; readonly multiple: boolean }
  /** A click on a mark with one value, or two: all of them together go on, or off when all are on. `multiple` dimensions keep their other values. */
  | { readonly type: "pick"; readonly values: readonly { readonly dimension: string; readonly value: string }[]; readonly multiple: readonly string[] }
  | { readonly type: "numeric"; readonly property: string; readonly range: NumericRange | null }
  | { readonly type: "dates"; readonly range: DateRange | null }
  | { readonly type: "merge"; readonly filters: Filters }
  | { readonly type: "reset"; readonly to: ViewState };

export const emptyState: ViewState = { period: null, dimensions: {}, numericRanges: {}, dateRanges: null };

export function reduce(state: ViewState, action: Action): ViewState {
  switch (action.type) {
    case "period":
      // A period and a custom range exclude each other: the last one chosen holds.
      return { ...state, period: action.period, dateRanges: null };
    case "dimension":
      return { ...state, dimensions: put(state.dimensions, action.dimension, unique(action.values)) };
    case "toggle": {
      const { dimension, value, multiple } = action;
      return reduce(state, { type: "pick", values: [{ dimension, value }], multiple: multiple ? [dimension] : [] });
    }
    case "pick": {
      const on = isPicked(state, action.values);
      let { dimensions } = state;
      for (const { dimension, value } of action.values) {
        const now = state.dimensions[dimension] ?? [];
        const others = now.filter((other) => other !== value);
        dimensions = put(dimensions, dimension, on ? others : action.multiple.includes(dimension) ? [...others, value] : [value]);
      }
      return { ...state, dimensions };
    }
    case "numeric":
      return { ...state, numericRanges: putRange(state.numericRanges, action.property, action.range) };
    case "dates":
      return { ...state, dateRanges: action.range };
    case "merge":
      return merge(state, action.filters);
    case "reset":
      return action.to;
  }
}

/** Whether `state` filters by each of these values. */
export function isPicked(state: ViewState, values: readonly { readonly dimension: string; readonly value: string }[]): boolean {
  return values.every(({ dimension, value }) => state.dimensions[dimension]?.includes(value) === true);
}

/** `state` without conditions on these dimensions. */
export function without(state: ViewState, dimensions: ReadonlySet<string>): ViewState {
  return { ...state, dimensions: Object.fromEntries(Object.entries(state.dimensions).filter(([name]) => !dimensions.has(name))) };
}

/** Each part that `filters` names replaces that part of the state; parts it leaves out stay; null empties one. */
function merge(state: ViewState, filters: Filters): ViewState {
  let next = state;
  if (filters.period !== undefined) next = { ...next, period: filters.period, dateRanges: filters.period === null ? next.dateRanges : null };
  if (filters.dimensions !== undefined) {
    let dimensions: Record<string, readonly string[]> = {};
    for (const [name, value] of Object.entries(filters.dimensions ?? {})) {
      dimensions = put(dimensions, name, unique(typeof value === "string" ? [value] : value ?? []));
    }
    next = { ...next, dimensions };
  }
  if (filters.numericRanges !== undefined) {
    let ranges: Record<string, NumericRange> = {};
    for (const [name, range] of Object.entries(filters.numericRanges ?? {})) ranges = putRange(ranges, name, range);
    next = { ...next, numericRanges: ranges };
  }
  if (filters.dateRanges !== undefined) next = { ...next, dateRanges: filters.dateRanges };
  return next;
}

/** The state a dashboard opens with: the default of its period filter, within what the session allows. */
export function initialState(config: DashboardConfig): ViewState {
  const options = periodOptions(config);
  const wanted = config.filters.find((filter) => filter.type === "period")?.default;
  const period = wanted !== undefined && options.includes(wanted) ? wanted : options[0];
  return { ...emptyState, period: period ?? null };
}

export const standardPeriods: readonly string[] = ["1h", "24h", "7d", "30d", "90d", "12mo"];

/** Periods the viewer may choose: the filter's options (all standard ones when it names none) within the permission. */
export function periodOptions(config: DashboardConfig): readonly string[] {
  const filter = config.filters.find((candidate) => candidate.type === "period");
  if (!filter) return [];
  const offered = filter.options && filter.options.length > 0 ? filter.options : standardPeriods.slice(1);
  const allowed = config.permissions.allowed_periods;
  return allowed ? offered.filter((period) => allowed.includes(period)) : offered;
}

export function toWire(state: ViewState): WireState {
  return {
    ...(state.period !== null && { period: state.period }),
    ...(Object.keys(state.dimensions).length > 0 && { dimensions: state.dimensions }),
    ...(Object.keys(state.numericRanges).length > 0 && { numericRanges: state.numericRanges }),
    ...(state.dateRanges !== null && { dateRanges: state.dateRanges }),
  };
}

/** What hosts receive in `filter` events, and may hand back to `setFilters`. */
export function toFilters(state: ViewState): Filters {
  return { period: state.period, dimensions: state.dimensions, numericRanges: state.numericRanges, dateRanges: state.dateRanges };
}

/** True when nothing but the period deviates from `initial`. */
export function hasActiveFilters(state: ViewState, initial: ViewState): boolean {
  return !sameState({ ...state, period: null }, { ...initial, period: null });
}

export function sameState(a: ViewState, b: ViewState): boolean {
  return canonical(a) === canonical(b);
}

/** The same text for states of the same content. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Reads filters that a host page sent; anything of a wrong type is refused by name. */
export function readFilters(value: unknown): Filters {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("filters: expected an object");
  const source = value as Record<string, unknown>;
  const known = new Set(["period", "dimensions", "numericRanges", "dateRanges"]);
  for (const key of Object.keys(source)) if (!known.has(key)) throw new TypeError(`filters.${key}: unknown field`);
  const { period, dimensions, numericRanges, dateRanges } = source;
  if (period !== undefined && period !== null && typeof period !== "string") throw new TypeError("filters.period: expected a string");
  if (dimensions !== undefined && dimensions !== null) {
    for (const [name, entry] of Object.entries(object(dimensions, "filters.dimensions"))) {
      const list = Array.isArray(entry) ? entry : [entry];
      if (!list.every((item) => typeof item === "string")) throw new TypeError(`filters.dimensions.${name}: expected strings`);
    }
  }
  if (numericRanges !== undefined && numericRanges !== null) {
    for (const [name, entry] of Object.entries(object(numericRanges, "filters.numericRanges"))) {
      const range = object(entry, `filters.numericRanges.${name}`);
      for (const key of ["min", "max"]) {
        const bound = range[key];
        if (bound !== undefined && (typeof bound !== "number" || !Number.isFinite(bound))) {
          throw new TypeError(`filters.numericRanges.${name}.${key}: expected a finite number`);
        }
      }
    }
  }
  if (dateRanges !== undefined && dateRanges !== null) {
    const range = object(dateRanges, "filters.dateRanges");
    for (const key of ["from", "to"]) {
      if (typeof range[key] !== "string" || Number.isNaN(Date.parse(range[key] as string))) {
        throw new TypeError(`filters.dateRanges.${key}: expected an ISO 8601 date`);
      }
    }
  }
  return source as Filters;
}

function object(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError(`${field}: expected an object`);
  return value as Record<string, unknown>;
}

function put<T>(record: Readonly<Record<string, readonly T[]>>, key: string, values: readonly T[]): Record<string, readonly T[]> {
  const next: Record<string, readonly T[]> = { ...record };
  if (values.length > 0) next[key] = values;
  else delete next[key];
  return next;
}

function putRange(
  record: Readonly<Record<string, NumericRange>>, key: string, range: NumericRange | null,
): Record<string, NumericRange> {
  const next: Record<string, NumericRange> = { ...record };
  const bounds: { min?: number; max?: number } = {};
  if (range?.min !== undefined) bounds.min = range.min;
  if (range?.max !== undefined) bounds.max = range.max;
  if (bounds.min === undefined && bounds.max === undefined) delete next[key];
  else next[key] = bounds;
  return next;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
