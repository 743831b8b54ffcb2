import { customizeStrings as words } from "./customize-strings";
import { humanize } from "./format";
import { strings } from "./strings";
import type { Column, QueryResult, Row, Vocabulary, WidgetDraft, WidgetQuery } from "./types";

/** What the viewer has chosen for a widget of their own. */
export interface OwnWidgetChoice {
  /** "" for what follows from the rest. */
  readonly title: string;
  /** "" for events of every name. */
  readonly event: string;
  readonly metric: string;
  /** Measured property, or the one counted once for each value. */
  readonly property: string;
  /** "" for none. */
  readonly group: string;
  readonly chart: string;
}

interface Look {
  readonly kind: string;
  readonly chart: string;
  readonly grouped: boolean | null;
  readonly w: number;
  readonly h: number;
}

/** By name of the choice; `grouped`: only with a group, only without, or either. */
const looks: Readonly<Record<string, Look>> = {
  stat: { kind: "kpi", chart: "stat", grouped: false, w: 3, h: 2 },
  line: { kind: "timeseries", chart: "line", grouped: null, w: 6, h: 4 },
  area: { kind: "timeseries", chart: "area", grouped: false, w: 6, h: 4 },
  bars: { kind: "timeseries", chart: "bar", grouped: null, w: 6, h: 4 },
  bar: { kind: "breakdown", chart: "bar", grouped: true, w: 6, h: 4 },
  list: { kind: "breakdown", chart: "list", grouped: true, w: 4, h: 4 },
  donut: { kind: "breakdown", chart: "donut", grouped: true, w: 4, h: 4 },
  table: { kind: "table", chart: "table", grouped: true, w: 6, h: 4 },
};

const ofMeasure = ["sum", "avg", "min", "max", "p50", "p90", "p95", "p99"];

/** The metrics that the vocabulary can answer. */
export function ownMetrics(vocabulary: Vocabulary): readonly string[] {
  return ["count", ...(vocabulary.uniques.length > 0 ? ["count_unique"] : []), ...(vocabulary.measures.length > 0 ? ofMeasure : [])];
}

/** What a metric may be of; empty for a plain count. */
export function ownProperties(vocabulary: Vocabulary, metric: string): readonly string[] {
  return metric === "count" ? [] : metric === "count_unique" ? vocabulary.uniques : vocabulary.measures;
}

export function ownCharts(group: string): readonly string[] {
  return Object.entries(looks).filter(([, look]) => look.grouped === null || look.grouped === (group !== "")).map(([name]) => name);
}

/** The choice with everything that does not go together put right. */
export function validChoice(choice: OwnWidgetChoice, vocabulary: Vocabulary): OwnWidgetChoice {
  const events = [...(vocabulary.allEvents ? [""] : []), ...vocabulary.events];
  const metric = oneOf(choice.metric, ownMetrics(vocabulary));
  const group = oneOf(choice.group, ["", ...vocabulary.dimensions]);
  return {
    title: choice.title, event: oneOf(choice.event, events), metric, group, property: oneOf(choice.property, ownProperties(vocabulary, metric)),
    chart: oneOf(choice.chart, ownCharts(group)),
  };
}

/** The widget that a choice describes. */
export function ownWidget(choice: OwnWidgetChoice): WidgetDraft & { readonly size: { readonly w: number; readonly h: number } } {
  const { event, metric, property, group } = choice;
  const look = looks[choice.chart] ?? { kind: "kpi", chart: "stat", w: 3, h: 2 };
  const query: WidgetQuery = {
    ...(event !== "" && { event_name: event }), metric,
    ...(ofMeasure.includes(metric) && { numeric_prop: property }), ...(metric === "count_unique" && { unique_prop: property }),
    ...(group !== "" && { group_by: group }), ...(look.kind === "kpi" && { compare: "previous_period" }),
  };
  const { w, h } = look;
  return { title: choice.title.trim() === "" ? ownTitle(choice) : choice.title.trim(), kind: look.kind, chart: look.chart, query, size: { w, h } };
}

/** What a widget is called whose author did not say. */
export function ownTitle({ event, metric, property, group }: OwnWidgetChoice): string {
  const subject = metric === "count" ? (event === "" ? strings.events : humanize(event)) : property === "user_id" ? words.users : humanize(property);
  const measured = metric === "count" ? subject : metric === "count_unique" ? `${strings.metrics[metric] ?? ""} ${lower(subject)}` : strings.metricOf(strings.metrics[metric] ?? metric, subject);
  return group === "" ? measured : `${measured} by ${lower(humanize(group))}`;
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function oneOf(value: string, among: readonly string[]): string {
  return among.includes(value) ? value : among[0] ?? "";
}

/** Made-up numbers in the form of an answer: what a chart will look like. */
export function sampleResult(widget: WidgetDraft): QueryResult {
  const days = 14;
  const day = 86_400_000;
  const to = Date.parse("2026-01-15T00:00:00Z");
  const meta = { from: iso(to - days * day), to: iso(to), granularity: "day" as const, timezone: "UTC" };
  const group = widget.query?.group_by;
  const value: Column = { name: "value", type: "number", role: "measure" };
  const named: Column[] = group === undefined ? [] : [{ name: group, type: "string", role: "dimension" }];
  const names = ["A", "B", "C", "D", "E"];
  if (widget.kind === "timeseries") {
    const rows = Array.from({ length: days }, (_unused, index) =>
      (group === undefined ? [""] : names.slice(0, 3)).map((name, series): Row => ({
        time: iso(to - (days - index) * day), ...(group !== undefined && { [group]: name }),
        value: Math.round((60 + 25 * Math.sin(index / 2 + series * 1.7) + index * 2) / (1 + series / 2)),
      })),
    ).flat();
    return { columns: [{ name: "time", type: "datetime", role: "time" }, ...named, value], rows, meta };
  }
  if (group === undefined) return { columns: [value], rows: [{ value: 1280, previous_value: 1140, delta_pct: 12.3 }], meta };
  return { columns: [...named, value], rows: names.map((name, index): Row => ({ [group]: name, value: Math.round(420 / (1 + index * 0.6)) })), meta };
}

function iso(time: number): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}
