import { standardPeriods } from "./state";
import type { DashboardConfig, Filters } from "./types";

/** A part of a host's filters that the session does not permit. */
export interface RefusedPart {
  readonly code: "dimension_not_allowed" | "period_not_allowed" | "filter_locked";
  readonly message: string;
}

/**
 * Splits filters into what this dashboard and session permit and what they do not: the server refuses a state as a whole for one
 * forbidden part of it. `config` is the whole published configuration, also where one widget of it is shown alone. Parts that
 * filter by nothing are always permitted.
 */
export function applicable(filters: Filters, config: DashboardConfig): { readonly filters: Filters; readonly refused: readonly RefusedPart[] } {
  const { permissions } = config;
  const refused: RefusedPart[] = [];
  const isOpen = (name: string, offered: boolean): boolean => {
    if (permissions.locked_dimensions?.includes(name)) {
      refused.push({ code: "filter_locked", message: `The filter "${name}" is locked by the session.` });
      return false;
    }
    const named = permissions.allowed_dimensions;
    if (named ? named.includes(name) : offered) return true;
    refused.push({ code: "dimension_not_allowed", message: `There is no filter "${name}" on this dashboard.` });
    return false;
  };
  const keep = <Value>(entries: Readonly<Record<string, Value>>, test: (name: string, value: Value) => boolean): Record<string, Value> =>
    Object.fromEntries(Object.entries(entries).filter(([name, value]) => test(name, value)));

  let { period, dimensions, numericRanges } = filters;
  if (typeof period === "string" && !(permissions.allowed_periods ?? standardPeriods).includes(period)) {
    refused.push({ code: "period_not_allowed", message: `The period "${period}" is not open to this session.` });
    period = undefined;
  }
  if (dimensions) {
    const offered = offeredDimensions(config);
    dimensions = keep(dimensions, (name, values) => (values ?? []).length === 0 || isOpen(name, offered.has(name)));
  }
  if (numericRanges) {
    const offered = new Set([...config.filters.map((filter) => filter.property), ...config.widgets.map((widget) => widget.query?.numeric_prop)]);
    numericRanges = keep(
      numericRanges,
      (name, range) => (range?.min === undefined && range?.max === undefined) || isOpen(name, offered.has(name)),
    );
  }
  return {
    filters: {
      ...(period !== undefined && { period }),
      ...(dimensions !== undefined && { dimensions }),
      ...(numericRanges !== undefined && { numericRanges }),
      ...(filters.dateRanges !== undefined && { dateRanges: filters.dateRanges }),
    },
    refused,
  };
}

/** Whether the viewer may filter by `dimension`: it is not locked, and named by the session or else shown by the dashboard. */
export function mayFilter(config: DashboardConfig, dimension: string): boolean {
  const { locked_dimensions: locked, allowed_dimensions: allowed } = config.permissions;
  return !locked?.includes(dimension) && (allowed ? allowed.includes(dimension) : offeredDimensions(config).has(dimension));
}

function offeredDimensions(config: DashboardConfig): ReadonlySet<string | undefined> {
  return new Set([
    ...config.filters.map((filter) => filter.dimension),
    ...config.widgets.flatMap((widget) => [widget.query?.group_by, widget.query?.group_by_2]),
  ]);
}
