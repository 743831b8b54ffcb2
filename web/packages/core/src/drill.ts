import { mayFilter } from "./applicable";
import { columnOf, textIn } from "./result";
import { bucketLength, weekHour } from "./time";
import type { DashboardConfig, DateRange, QueryResult, WidgetConfig } from "./types";

/** What the viewer clicked: a value, a bucket of time, or both; a pivot's cell has two values. */
export interface Picked {
  readonly dimension?: string;
  readonly value?: string;
  /** The bucket of a time series, half-open. */
  readonly range?: DateRange;
  readonly secondDimension?: string;
  readonly secondValue?: string;
}

/** One value of a dimension that has been opened. */
export interface DrillLevel {
  readonly dimension: string;
  readonly value: string;
}

/**
 * What a click does besides telling the host: `filter` the dashboard, open the `drill` panel, or nothing more (`tell`). null when a
 * click has no effect at all, so that nothing looks clickable.
 */
export type ClickEffect = "filter" | "drill" | "tell" | null;

/** The values that a pick names, the first one first. */
export function levelsOf(picked: Picked): readonly DrillLevel[] {
  const levels: DrillLevel[] = [];
  if (picked.dimension !== undefined && picked.value !== undefined) levels.push({ dimension: picked.dimension, value: picked.value });
  if (picked.secondDimension !== undefined && picked.secondValue !== undefined) {
    levels.push({ dimension: picked.secondDimension, value: picked.secondValue });
  }
  return levels;
}

/** The bucket of a time series that begins at `time`: up to the next one, the last one up to the end of what was asked for. */
export function bucketRange(result: QueryResult, time: string): DateRange {
  const column = columnOf(result, "time")?.name ?? "time";
  const from = Date.parse(time);
  const later = result.rows.map((row) => Date.parse(textIn(row, column))).filter((instant) => instant > from);
  const last = Date.parse(result.meta.to);
  const end = later.length > 0 ? Math.min(...later) : last > from ? last : from + bucketLength(result.meta.granularity ?? "day");
  return { from: time, to: isoTime(end) };
}

/**
 * A heatmap's cell stands for the same hour of several weeks, which is neither a value nor a range. In a week or less it stands for one
 * hour, which is a range: this one. `picked` itself for all else.
 */
export function exactPick(picked: Picked, result: QueryResult | null, timezone: string): Picked {
  if (picked.dimension !== "weekday" || picked.secondDimension !== "hour" || picked.range || !result) return picked;
  const from = Date.parse(result.meta.from);
  const to = Date.parse(result.meta.to);
  // A week in which the clocks are set back has an hour more.
  if (!(to - from <= week + hour)) return picked;
  // Zones differ from UTC by quarters of an hour.
  for (let instant = Math.ceil(from / quarter) * quarter; instant < to; instant += quarter) {
    const local = weekHour(isoTime(instant), timezone);
    if (local.minute === 0 && String(local.weekday) === picked.value && String(local.hour) === picked.secondValue) {
      return { range: { from: isoTime(instant), to: isoTime(Math.min(instant + hour, to)) } };
    }
  }
  return picked;
}

const hour = 3_600_000;
const quarter = hour / 4;
const week = 7 * 24 * hour;

function isoTime(instant: number): string {
  return new Date(instant).toISOString().replace(".000Z", "Z");
}

/**
 * The author's `on_click`, as far as the session permits it. Without one: filter where the dashboard has a filter for the dimension,
 * otherwise drill where that is allowed. `config` is the whole published configuration, also where one widget of it is shown alone.
 */
export function clickEffect(widget: WidgetConfig, picked: Picked, config: DashboardConfig): ClickEffect {
  const tells = config.permissions.allow_drill_down !== false;
  const levels = levelsOf(picked);
  // Keys that begin with NUL are the viewer's own, such as that of all groups beyond the limit: no value of a property.
  if (levels.some((level) => level.value.startsWith("\u0000"))) return null;
  const filters = levels.length > 0 && levels.every((level) => mayFilter(config, level.dimension));
  const drills = tells && canDrill(config, levels, picked.range);
  switch (widget.options?.on_click) {
    case "filter":
      return filters || (levels.length === 0 && picked.range !== undefined && hasDateFilter(config)) ? "filter" : tells ? "tell" : null;
    case "drill":
      return drills ? "drill" : null;
    case "none":
      return tells ? "tell" : null;
    default:
      if (filters && levels.every((level) => selectFilter(config, level.dimension))) return "filter";
      return drills ? "drill" : null;
  }
}

/** The viewer's own control for a dimension, if there is one. */
export function selectFilter(config: DashboardConfig, dimension: string): DashboardConfig["filters"][number] | undefined {
  return config.filters.find((filter) => (filter.type === "select" || filter.type === "multi_select") && filter.dimension === dimension);
}

function hasDateFilter(config: DashboardConfig): boolean {
  return config.filters.some((filter) => filter.type === "date_range");
}

/** Whether there is anything to open behind `levels` in `range`. */
export function canDrill(config: DashboardConfig, levels: readonly DrillLevel[], range: DateRange | undefined): boolean {
  if (config.permissions.allow_drill_down === false) return false;
  // A server that does not name what may be opened takes no ranges, either.
  if (levels.length === 0 && (range === undefined || !config.drill)) return false;
  const { dimensions, rows } = drillOptions(config);
  return levels.every((level) => dimensions.includes(level.dimension)) && (rows || nextDimensions(config, levels).length > 0);
}

/** What the session may open. A server older than this page does not say: then what the dashboard shows anyhow. */
export function drillOptions(config: DashboardConfig): { readonly dimensions: readonly string[]; readonly rows: boolean } {
  if (config.permissions.allow_drill_down === false) return { dimensions: [], rows: false };
  if (config.drill) return config.drill;
  const { allowed_dimensions: allowed } = config.permissions;
  const shown = [...config.filters.map((filter) => filter.dimension), ...config.widgets.flatMap((widget) => [widget.query?.group_by, widget.query?.group_by_2])];
  return { dimensions: allowed ?? [...new Set(shown.filter((name): name is string => name !== undefined))], rows: true };
}

/** The dimensions that the next level may be broken down by. */
export function nextDimensions(config: DashboardConfig, levels: readonly DrillLevel[]): readonly string[] {
  const closed = new Set([...(config.permissions.locked_dimensions ?? []), ...levels.map((level) => level.dimension)]);
  return drillOptions(config).dimensions.filter((dimension) => !closed.has(dimension));
}
