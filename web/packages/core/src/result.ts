import { formatChange, formatOf, formatShare, formatValue, humanize, labelOf, metricName, secondFormatOf, secondName } from "./format";
import { strings } from "./strings";
import { bucketLength } from "./time";
import type { Cell, Column, Granularity, QueryResult, QueryWidget, ResultMeta, Row, WidgetConfig } from "./types";

/** What drawing needs besides the data. No DOM: the same code runs on the server. */
export interface Locale {
  readonly locale: string;
  readonly timezone: string;
}

export function columnOf(result: QueryResult, role: string): Column | undefined {
  // A share and a second metric are measures, too, but never the one a widget is about.
  return result.columns.find((column) => column.role === role && column.name !== "share" && column.name !== "second_value");
}

/** Stands for all groups beyond the limit, whose dimension is null. No value of a property begins with NUL. */
export const otherKey = "\u0000other";

/** The value of a dimension: "" for a missing property, `otherKey` for the rest beyond the limit. */
export function keyIn(row: Row, column: string): string {
  return row[column] === null ? otherKey : textIn(row, column);
}

export function nameOfKey(key: string): string {
  return key === otherKey ? strings.other : labelOf(key);
}

export function hasColumn(result: QueryResult, name: string): boolean {
  return result.columns.some((column) => column.name === name);
}

export function numberIn(row: Row | undefined, column: string | undefined): number | null {
  const value = row && column !== undefined ? row[column] : undefined;
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

export function numbers(values: readonly (number | null)[]): readonly number[] {
  return values.filter((value): value is number => value !== null);
}

export function textIn(row: Row, column: string): string {
  const value: Cell | undefined = row[column];
  return value === null || value === undefined ? "" : String(value);
}

/** True when there is nothing worth drawing: no row, or only absent values. */
export function isEmpty(widget: WidgetConfig, result: QueryResult): boolean {
  if (result.rows.length === 0) return true;
  const measure = columnOf(result, "measure")?.name;
  if (measure === undefined) return false;
  if (widget.kind === "heatmap") return result.rows.every((row) => (numberIn(row, measure) ?? 0) === 0);
  if (widget.kind === "kpi") return result.rows.every((row) => numberIn(row, measure) === null);
  if (widget.kind === "timeseries") {
    const blank = (rows: readonly Row[]) => rows.every((row) => (numberIn(row, measure) ?? 0) === 0 && (numberIn(row, "second_value") ?? 0) === 0);
    return blank(result.rows) && (!result.previous || blank(result.previous.rows));
  }
  return false;
}

// MARK: KPI

export interface Delta {
  readonly direction: "up" | "down" | "flat";
  readonly tone: "good" | "bad" | "neutral";
  readonly text: string;
  readonly previousText: string;
}

export interface KPIModel {
  readonly value: number | null;
  readonly text: string;
  readonly fullText: string;
  readonly delta: Delta | null;
}

export function kpiModel(widget: QueryWidget, result: QueryResult, context: Locale): KPIModel {
  const format = formatOf(widget);
  const row = result.rows[0];
  const value = numberIn(row, columnOf(result, "measure")?.name ?? "value");
  return {
    value,
    text: formatValue(value, format, context.locale, "headline"),
    fullText: formatValue(value, format, context.locale, "full"),
    delta: row ? deltaOf(widget, row, context) : null,
  };
}

export function deltaOf(widget: QueryWidget, row: Row, context: Locale): Delta | null {
  const percent = numberIn(row, "delta_pct");
  const previous = numberIn(row, "previous_value");
  if (percent === null) return null;
  const direction = Math.abs(percent) < 0.05 ? "flat" : percent > 0 ? "up" : "down";
  const good = goodDirection(widget);
  return {
    direction,
    tone: direction === "flat" || good === "none" ? "neutral" : direction === good ? "good" : "bad",
    text: formatChange(percent, context.locale),
    previousText: formatValue(previous, formatOf(widget), context.locale, "headline"),
  };
}

/** A change with its sign, where text stands alone: not every font has arrows. */
export function signedChange(delta: Delta): string {
  return `${{ up: "+", down: "−", flat: "±" }[delta.direction]}${delta.text}`;
}

/** Rising latency and errors are bad news, money spent is no news of itself, more of the rest is good. The author's `good_direction` wins. */
export function goodDirection(widget: QueryWidget): "up" | "down" | "none" {
  const own = widget.options?.good_direction;
  if (own === "up" || own === "down" || own === "none") return own;
  const subject = [widget.query.event_name, widget.query.numeric_prop, widget.title].join(" ").toLowerCase();
  // Whether more of one value among several is good depends on the value.
  if (/status|outcome|result|error|code/i.test(widget.query.group_by ?? "")) return "none";
  if (/\bcosts?\b|cost_|\bspend|\bspent\b|\bbilled\b/.test(subject)) return "none";
  return /error|fail|latenc|duration|response.?time|timeout|refund|churn|_ms\b/.test(subject) ? "down" : "up";
}

export interface ProgressModel extends KPIModel {
  readonly target: number | null;
  /** Part of the target reached, 0…; may exceed 1. */
  readonly ratio: number | null;
  readonly percentText: string;
  readonly targetText: string;
  readonly restText: string;
  readonly level: "normal" | "near" | "over";
}

export function progressModel(widget: QueryWidget, result: QueryResult, context: Locale): ProgressModel {
  const base = kpiModel(widget, result, context);
  const format = formatOf(widget);
  const target = widget.options?.target && widget.options.target > 0 ? widget.options.target : null;
  const ratio = target !== null && base.value !== null ? base.value / target : null;
  const rest = target !== null && base.value !== null ? target - base.value : 0;
  const say = (value: number) => formatValue(value, format, context.locale, "headline");
  return {
    ...base,
    target,
    ratio,
    percentText: formatShare(ratio, context.locale),
    targetText: target === null ? "" : strings.ofTarget(say(target), widget.options?.target_label ?? ""),
    restText: ratio === null ? "" : rest >= 0 ? strings.remaining(say(rest)) : strings.overTarget(say(-rest)),
    level: ratio === null ? "normal" : ratio > 1 ? "over" : ratio >= 0.8 ? "near" : "normal",
  };
}

// MARK: Time series

export interface Series {
  /** Value of the dimension; "" for a missing property; the measure's own name without group_by. */
  readonly key: string;
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly total: number;
}

export interface SeriesModel {
  readonly times: readonly string[];
  readonly granularity: Granularity;
  readonly series: readonly Series[];
  readonly previous: { readonly times: readonly string[]; readonly values: readonly (number | null)[] } | null;
  /** The second metric, where there is one. */
  readonly second: readonly (number | null)[] | null;
  readonly dimension: string | null;
  /** The last bucket still runs, so that its value will grow. */
  readonly lastIsPartial: boolean;
}

export function seriesModel(widget: QueryWidget, result: QueryResult): SeriesModel {
  const time = columnOf(result, "time")?.name ?? "time";
  const measure = columnOf(result, "measure")?.name ?? "value";
  const dimension = columnOf(result, "dimension")?.name ?? null;
  const times = [...new Set(result.rows.map((row) => textIn(row, time)))].sort((a, b) => Date.parse(a) - Date.parse(b));
  const positions = new Map(times.map((bucket, index) => [bucket, index]));
  const byKey = new Map<string, (number | null)[]>();
  for (const row of result.rows) {
    const key = dimension === null ? "" : keyIn(row, dimension);
    let values = byKey.get(key);
    if (!values) {
      values = new Array<number | null>(times.length).fill(null);
      byKey.set(key, values);
    }
    const position = positions.get(textIn(row, time));
    if (position !== undefined) values[position] = numberIn(row, measure);
  }
  const series = [...byKey].map(([key, values]) => ({
    key,
    name: dimension === null ? measureName(widget) : nameOfKey(key),
    values,
    total: values.reduce<number>((sum, value) => sum + (value ?? 0), 0),
  }));
  series.sort((a, b) => Number(a.key === otherKey) - Number(b.key === otherKey) || b.total - a.total);
  const granularity = result.meta.granularity ?? guessGranularity(times);
  return {
    times,
    granularity,
    series,
    previous: dimension === null ? previousOf(result, time, measure, times.length) : null,
    second: dimension === null && hasColumn(result, "second_value") ? result.rows.map((row) => numberIn(row, "second_value")) : null,
    dimension,
    lastIsPartial: isPartial(times[times.length - 1], granularity, result.meta),
  };
}

/** Whether values of several groups or buckets may be added up. */
export function isAdditive(widget: QueryWidget): boolean {
  return widget.query.metric === "count" || widget.query.metric === "sum";
}

function previousOf(result: QueryResult, time: string, measure: string, length: number): SeriesModel["previous"] {
  const rows = result.previous?.rows;
  if (rows && rows.length > 0) {
    const aligned = rows.slice(0, length);
    return { times: aligned.map((row) => textIn(row, time)), values: aligned.map((row) => numberIn(row, measure)) };
  }
  if (!result.columns.some((column) => column.name === "previous_value")) return null;
  const values = result.rows.map((row) => numberIn(row, "previous_value"));
  return values.some((value) => value !== null) ? { times: [], values } : null;
}

function isPartial(last: string | undefined, granularity: Granularity, meta: ResultMeta): boolean {
  if (last === undefined) return false;
  const length = bucketLength(granularity);
  const known = Math.min(Date.parse(meta.to), meta.data_as_of ? Date.parse(meta.data_as_of) : Infinity);
  return Date.parse(last) + length - known > length * 0.02;
}

function guessGranularity(times: readonly string[]): Granularity {
  const step = times.length > 1 ? Date.parse(times[1] ?? "") - Date.parse(times[0] ?? "") : 86_400_000;
  return step < 3_600_000 ? "minute" : step < 86_400_000 ? "hour" : step < 7 * 86_400_000 ? "day" : step < 20 * 86_400_000 ? "week" : "month";
}

/** What is measured, for tooltips and tables: the widget's title says it best. */
export function measureName(widget: QueryWidget): string {
  return widget.title || strings.metrics[widget.query.metric] || strings.value;
}

// MARK: Breakdown

export interface BreakdownItem {
  readonly key: string;
  readonly label: string;
  readonly value: number | null;
  readonly text: string;
  readonly share: number | null;
  readonly shareText: string;
  readonly delta: Delta | null;
  readonly previous: number | null;
  readonly second: number | null;
  readonly secondText: string;
  /** All groups beyond the limit: never to be clicked. */
  readonly isOther: boolean;
  /** Part of the largest value, 0…1, for the length of a bar. */
  readonly ratio: number;
}

export interface BreakdownModel {
  readonly dimension: string;
  readonly dimensionLabel: string;
  readonly items: readonly BreakdownItem[];
  readonly hasShare: boolean;
  readonly hasSecond: boolean;
  /** Names of the measures. */
  readonly valueLabel: string;
  readonly secondLabel: string;
  /** There are more groups than these, and no row for the rest. */
  readonly isCut: boolean;
}

export function breakdownModel(widget: QueryWidget, result: QueryResult, context: Locale): BreakdownModel {
  const column = columnOf(result, "dimension")?.name ?? "value";
  const measure = columnOf(result, "measure")?.name ?? "value";
  const hasShare = result.columns.some((candidate) => candidate.name === "share");
  const hasSecond = hasColumn(result, "second_value");
  const format = formatOf(widget);
  const secondFormat = secondFormatOf(widget);
  const peak = Math.max(0, ...result.rows.map((row) => Math.abs(numberIn(row, measure) ?? 0)));
  const dimension = widget.query.group_by ?? column;
  return {
    dimension,
    dimensionLabel: humanize(dimension),
    hasShare,
    hasSecond,
    valueLabel: hasSecond ? metricName(widget.query.metric, widget.query.numeric_prop) : strings.metrics[widget.query.metric] ?? strings.value,
    secondLabel: hasSecond ? secondName(widget) : "",
    isCut: result.meta.truncated === true && !result.rows.some((row) => row[column] === null),
    items: result.rows.map((row) => {
      const key = keyIn(row, column);
      const value = numberIn(row, measure);
      const share = hasShare ? numberIn(row, "share") : null;
      return {
        key,
        label: nameOfKey(key),
        isOther: key === otherKey,
        value,
        previous: numberIn(row, "previous_value"),
        second: hasSecond ? numberIn(row, "second_value") : null,
        secondText: hasSecond ? formatValue(numberIn(row, "second_value"), secondFormat, context.locale) : "",
        text: formatValue(value, format, context.locale),
        share,
        shareText: hasShare ? formatShare(share, context.locale) : "",
        delta: deltaOf(widget, row, context),
        ratio: peak > 0 ? Math.abs(value ?? 0) / peak : 0,
      };
    }),
  };
}

// MARK: Table

export interface TableColumn {
  readonly name: string;
  readonly label: string;
  readonly kind: "dimension" | "time" | "measure" | "second" | "previous" | "change" | "share" | "text" | "number";
  readonly numeric: boolean;
}

export function tableColumns(widget: QueryWidget, result: QueryResult): readonly TableColumn[] {
  const wanted = widget.options?.columns;
  const columns = result.columns.map<TableColumn>((column) => {
    if (column.name === "share") return { name: column.name, label: strings.share, kind: "share", numeric: true };
    if (column.name === "delta_pct") return { name: column.name, label: strings.change, kind: "change", numeric: true };
    if (column.name === "previous_value") return { name: column.name, label: strings.previous, kind: "previous", numeric: true };
    if (column.name === "second_value") return { name: column.name, label: secondName(widget), kind: "second", numeric: true };
    if (column.role === "time" || column.type === "datetime") return { name: column.name, label: strings.time, kind: "time", numeric: false };
    if (column.role === "measure") {
      const plain = strings.metrics[widget.query.metric] ?? strings.value;
      return { name: column.name, label: hasColumn(result, "second_value") ? metricName(widget.query.metric, widget.query.numeric_prop) : plain, kind: "measure", numeric: true };
    }
    if (column.role === "dimension") {
      const own = column.name.replace(/_$/, "");
      return { name: column.name, label: humanize(own), kind: "dimension", numeric: false };
    }
    const numeric = column.type === "number";
    return { name: column.name, label: humanize(column.name), kind: numeric ? "number" : "text", numeric };
  });
  const order = ["dimension", "time", "text", "number", "measure", "previous", "share", "change", "second"];
  columns.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const chosen = wanted && wanted.length > 0 ? columns.filter((column) => wanted.includes(column.name)) : [];
  // The previous value is kept for the change's tooltip; as a column of its own only when asked for.
  return chosen.length > 0 ? chosen : columns.filter((column) => column.kind !== "previous");
}

/** Rows in the order of one column; absent values, and the row of all other groups, stay last in both directions. */
export function sortRows(rows: readonly Row[], column: TableColumn, ascending: boolean, locale: string, dimension?: string): readonly Row[] {
  const isOther = (row: Row) => Number(dimension !== undefined && row[dimension] === null);
  const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  const sign = ascending ? 1 : -1;
  return rows
    .map((row, index) => ({ row, index }))
    .sort((a, b) => {
      if (isOther(a.row) !== isOther(b.row)) return isOther(a.row) - isOther(b.row);
      if (column.numeric) {
        const x = numberIn(a.row, column.name);
        const y = numberIn(b.row, column.name);
        if (x === null || y === null) return x === y ? a.index - b.index : x === null ? 1 : -1;
        return x === y ? a.index - b.index : (x - y) * sign;
      }
      return collator.compare(textIn(a.row, column.name), textIn(b.row, column.name)) * sign || a.index - b.index;
    })
    .map(({ row }) => row);
}

/** Whether two answers are drawn alike: when and whence they came makes no difference. */
export function sameData(one: QueryResult, other: QueryResult): boolean {
  const drawn = ({ meta: { data_as_of: _asOf, elapsed_ms: _elapsed, cached: _cached, ...meta }, ...data }: QueryResult) => JSON.stringify([data, meta]);
  return drawn(one) === drawn(other);
}
