import type { QueryResult, Row, WidgetConfig } from "@emban/core";
import type { DraftWidget, EventType } from "../api/types";
import { words } from "../words";

/** One of the charts that a dashboard may have, with the size it begins with. */
export interface Look {
  readonly kind: string;
  readonly chart: string;
  readonly w: number;
  readonly h: number;
  /** Needs a property to group by; two of them; a second metric. */
  readonly grouped?: true;
  readonly paired?: true;
  readonly doubled?: true;
}

export const looks: readonly Look[] = [
  { kind: "kpi", chart: "stat", w: 3, h: 2 },
  { kind: "kpi", chart: "progress", w: 3, h: 2 },
  { kind: "kpi", chart: "gauge", w: 3, h: 3 },
  { kind: "timeseries", chart: "area", w: 6, h: 4 },
  { kind: "timeseries", chart: "line", w: 6, h: 4 },
  { kind: "timeseries", chart: "bar", w: 6, h: 4 },
  { kind: "timeseries", chart: "stacked_bar", w: 6, h: 4, grouped: true },
  { kind: "timeseries", chart: "dual_axis", w: 6, h: 4, doubled: true },
  { kind: "timeseries", chart: "waterfall", w: 6, h: 4 },
  { kind: "breakdown", chart: "bar", w: 6, h: 4, grouped: true },
  { kind: "breakdown", chart: "horizontal_bar", w: 6, h: 4, grouped: true },
  { kind: "breakdown", chart: "list", w: 4, h: 4, grouped: true },
  { kind: "breakdown", chart: "donut", w: 4, h: 4, grouped: true },
  { kind: "breakdown", chart: "funnel", w: 6, h: 4, grouped: true },
  { kind: "breakdown", chart: "treemap", w: 6, h: 4, grouped: true },
  { kind: "breakdown", chart: "radar", w: 4, h: 4, grouped: true },
  { kind: "breakdown", chart: "scatter", w: 6, h: 4, grouped: true, doubled: true },
  { kind: "table", chart: "table", w: 6, h: 5, grouped: true },
  { kind: "table", chart: "pivot", w: 6, h: 5, grouped: true, paired: true },
  { kind: "heatmap", chart: "heatmap", w: 6, h: 4 },
  { kind: "text", chart: "text", w: 6, h: 2 },
];

export function lookOf(widget: { readonly kind: string; readonly chart: string }): Look {
  return looks.find((look) => look.kind === widget.kind && look.chart === widget.chart) ?? { kind: widget.kind, chart: widget.chart, w: 4, h: 4 };
}

export function chartsOf(kind: string): readonly Look[] {
  return looks.filter((look) => look.kind === kind);
}

export function lookName(look: { readonly kind: string; readonly chart: string }): string {
  return words.charts.names[`${look.kind}/${look.chart}`] ?? look.chart;
}

/** How people know a widget: by its title, or by what a text says first. */
export function widgetName(widget: { readonly title: string; readonly kind: string; readonly chart: string; readonly options?: { readonly markdown?: string } }): string {
  const line = widget.options?.markdown?.split("\n").map((text) => text.replace(/^[#>*\s-]+/, "").trim()).find((text) => text !== "");
  return widget.title || (line ? `${lookName(widget)}: ${line.slice(0, 60)}` : lookName(widget));
}

/** What a new widget asks for: about the event that is seen most, grouped by a property that has a few values. */
export function starter(look: Look, id: string, events: readonly EventType[]): DraftWidget {
  const event = events[0];
  const dimensions = [...(event?.dimensions ?? [])].sort((one, other) => fitness(other.cardinality) - fitness(one.cardinality)).map(({ name }) => name);
  const number = event?.numeric_properties[0]?.name;
  const first = dimensions[0] ?? "user_id";
  const second = dimensions[1] ?? (first === "event_name" ? "user_id" : "event_name");
  const subject = event ? plain(event.event_name) : words.builder.events;
  const base = { id, kind: look.kind, chart: look.chart, position: { x: 0, y: 0, w: look.w, h: look.h } };
  if (look.kind === "text") return { ...base, title: "", options: { markdown: words.builder.starterText } };
  const isScattered = look.chart === "scatter" || look.chart === "dual_axis";
  return {
    ...base,
    title: look.paired ? words.builder.titlePaired(subject, within(first), within(second)) : look.grouped ? words.builder.titleGrouped(subject, within(first))
    : look.kind === "timeseries" ? words.builder.titleOverTime(subject) : subject,
    query: {
      ...(event && { event_name: event.event_name }), metric: "count", period: "30d",
      ...(look.grouped && { group_by: first }), ...(look.paired && { group_by_2: second }),
      ...((look.doubled || isScattered) && (number ? { second_metric: "avg", second_numeric_prop: number } : { second_metric: "count_unique" })),
      ...(look.kind === "kpi" && look.chart === "stat" && { compare: "previous_period" }),
    },
    ...((look.chart === "progress" || look.chart === "gauge") && { options: { target: roundUp(event?.count ?? 1000) } }),
  };
}

/** Five values make the best chart; one says nothing, and hundreds too much. */
function fitness(cardinality: number): number {
  return cardinality < 2 ? -1 : 1 / (1 + Math.abs(cardinality - 5));
}

function roundUp(value: number): number {
  const size = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))));
  return Math.ceil((value * 1.2) / size) * size;
}

/** Written in capitals wherever they stand. */
const initials = new Set(["ai", "api", "cpu", "csv", "db", "gpu", "html", "http", "https", "id", "ip", "json", "llm", "ml", "os", "pdf", "sdk", "sms", "sql",
  "ssl", "ui", "uri", "url", "vm"]);

/** `api.call_count` → "API call count". */
export function plain(name: string): string {
  const text = name.replace(/[._-]+/g, " ").trim().split(" ").map((word) => (initials.has(word.toLowerCase()) ? word.toUpperCase() : word)).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** As it stands within a title: without the capital at the beginning, but with those of "API". */
export function within(name: string): string {
  const [first = "", ...rest] = plain(name).split(" ");
  return [first === first.toUpperCase() && first.length > 1 ? first : first.toLowerCase(), ...rest].join(" ");
}

const day = 86_400_000;
const end = Date.parse("2026-01-15T00:00:00Z");
const iso = (time: number) => new Date(time).toISOString().replace(".000Z", "Z");

/** Made-up numbers in the form of an answer, for pictures of charts that ask for nothing yet. */
export function sample(widget: Pick<WidgetConfig, "kind" | "chart">): QueryResult {
  const days = widget.chart === "waterfall" ? 6 : widget.chart === "bar" || widget.chart === "stacked_bar" ? 9 : 14;
  const meta = { from: iso(end - days * day), to: iso(end), granularity: "day" as const, timezone: "UTC" };
  const value = { name: "value", type: "number", role: "measure" } as const;
  const secondValue = { name: "second_value", type: "number", role: "measure" } as const;
  const group = { name: "group", type: "string", role: "dimension" } as const;
  const names = ["Aster", "Birch", "Cedar", "Dahlia", "Elder"];
  if (widget.kind === "kpi") return { columns: [value], rows: [{ value: widget.chart === "stat" ? 12_840 : 72, previous_value: 11_420, delta_pct: 12.4 }], meta };
  if (widget.kind === "heatmap") {
    const rows = Array.from({ length: 168 }, (_unused, index): Row => {
      const [weekday, hour] = [Math.floor(index / 24), index % 24];
      return { weekday: weekday + 1, hour, value: Math.round(60 * Math.exp(-((hour - 13) ** 2) / 28) * (weekday > 4 ? 0.3 : 1) + ((index * 7) % 5)) };
    });
    return { columns: [{ name: "weekday", type: "number", role: "dimension" }, { name: "hour", type: "number", role: "dimension" }, value], rows, meta };
  }
  if (widget.kind === "timeseries") {
    const isGrouped = widget.chart === "stacked_bar";
    const time = { name: "time", type: "datetime", role: "time" } as const;
    const wave = (index: number, shift: number) => Math.round(60 + 26 * Math.sin(index / 1.9 + shift) + index * 3);
    const rows = Array.from({ length: days }, (_unused, index) => {
      const at = iso(end - (days - index) * day);
      if (isGrouped) return names.slice(0,
        3).map((name, series): Row => ({ time: at, group: name, value: Math.round(wave(index, series * 1.6) / (1 + series / 2)) }));
      return [{ time: at, value: wave(index, 0), ...(widget.chart === "dual_axis" && { second_value: 40 + Math.round(14 * Math.cos(index / 2)) }) } as Row];
    }).flat();
    return { columns: [time, ...(isGrouped ? [group] : []), value, ...(widget.chart === "dual_axis" ? [secondValue] : [])], rows, meta };
  }
  if (widget.chart === "pivot") {
    const columns = ["EU", "US", "Asia"];
    const rows = names.flatMap((name,
      row) => columns.map((column, index): Row => ({ group: name, region: column, value: Math.round(90 / (1 + row * 0.5 + index * 0.3)) })));
    return {
      columns: [group, { name: "region", type: "string", role: "dimension" }, value], rows, meta,
      totals: {
        rows: names.map((name, row) => ({ group: name, value: Math.round(220 / (1 + row * 0.6)) })),
        columns: columns.map((region, index) => ({ region, value: 240 - index * 50 })), value: 570,
      },
    };
  }
  const rows = names.map((name, index): Row => ({
    group: name, value: Math.round(420 / (1 + index * 0.6)), share: [0.38, 0.24, 0.17, 0.13, 0.08][index] ?? 0,
    ...(widget.chart === "scatter" && { second_value: [30, 62, 48, 75, 20][index] ?? 0 }),
  }));
  return {
    columns: [
      group, value, ...(widget.chart === "scatter" ? [secondValue] : []),
      ...(widget.chart === "table" ? [{ name: "share", type: "number", role: "measure" } as const] : []),
    ],
    rows, meta,
  };
}

/** A widget that only shows what a chart looks like. */
export function sampleWidget(look: Look): WidgetConfig {
  const isText = look.kind === "text";
  return {
    id: `sample_${look.kind}_${look.chart}`, title: lookName(look), kind: look.kind, chart: look.chart, position: { x: 0, y: 0, w: 4, h: 4 },
    ...(!isText && {
      query: {
        metric: look.chart === "gauge" || look.chart === "progress" ? "avg" : "count", ...(look.grouped && { group_by: "group" }),
        ...(look.paired && { group_by_2: "region" }),
        ...(look.doubled && { second_metric: "avg", second_numeric_prop: "tokens" }), ...(look.chart === "stat" && { compare: "previous_period" }),
      },
    }),
    options: isText ? { markdown: words.charts.sampleText }
    : { show_legend: false, ...(look.chart === "gauge" && { min: 0, max: 100 }), ...(look.chart === "progress" && { target: 100 }), on_click: "none" },
  };
}
