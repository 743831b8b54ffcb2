import type { DraftWidget, EventType } from "../api/types";
import { starter, type Look } from "../charts/gallery";

type Query = NonNullable<DraftWidget["query"]>;
type Mutable = { -readonly [K in keyof Query]?: Query[K] };

/** `widget` as another chart: what it asks for stays as far as that chart can show it, and what it needs is filled in. */
export function adapt(widget: DraftWidget, look: Look, events: readonly EventType[]): DraftWidget {
  const { query: _query, options, format, ...rest } = widget;
  const base = { ...rest, kind: look.kind, chart: look.chart };
  if (look.kind === "text") return { ...base, options: { ...options, markdown: options?.markdown ?? starter(look, widget.id, events).options?.markdown ?? "" } };
  const named = events.find(({ event_name }) => event_name === widget.query?.event_name);
  const fallback = starter(look, widget.id, named ? [named] : events);
  const { markdown: _markdown, ...kept } = options ?? {};
  const wanted = { ...fallback.options, ...kept };
  return {
    ...base, query: fitQuery(widget.query ?? fallback.query ?? { metric: "count" }, look, fallback.query), ...(format && { format }),
    ...(Object.keys(wanted).length > 0 && { options: wanted }),
  };
}

/** `query` without what does not go with `look`, and with what it needs. */
export function fitQuery(query: Query, look: Look, fallback: Query | undefined): Query {
  const next: Mutable = { ...query };
  const drop = (...names: (keyof Query)[]) => names.forEach((name) => delete next[name]);
  const { kind, chart } = look;
  const isPivot = chart === "pivot";
  const isDoubled = chart === "dual_axis" || chart === "scatter";
  if (kind === "kpi" || kind === "heatmap") drop("group_by", "group_by_2", "limit", "order", "other", "granularity", "second_metric", "second_numeric_prop");
  if (kind === "heatmap") drop("compare");
  if (kind === "timeseries") {
    drop("group_by_2");
    if (chart === "dual_axis" || chart === "waterfall") drop("group_by");
  }
  if (kind === "breakdown" || kind === "table") drop("granularity");
  if (!isPivot) drop("group_by_2");
  else drop("compare", "other");
  if (!isDoubled && (kind !== "table" || isPivot)) drop("second_metric", "second_numeric_prop");
  if ((look.grouped || kind === "breakdown" || kind === "table") && !next.group_by && fallback?.group_by) next.group_by = fallback.group_by;
  if (isPivot && (!next.group_by_2 || next.group_by_2 === next.group_by) && fallback?.group_by_2) next.group_by_2 = fallback.group_by_2 === next.group_by
    ? "event_name" : fallback.group_by_2;
  if (isDoubled && !next.second_metric) {
    next.second_metric = fallback?.second_metric ?? "count_unique";
    if (fallback?.second_numeric_prop) next.second_numeric_prop = fallback.second_numeric_prop;
  }
  if (!next.group_by) drop("limit", "order", "other");
  return next as Query;
}

/** What goes with a widget's kind and chart: the members that its panel offers. */
export function offers(widget: DraftWidget): Readonly<Record<"group" | "groupOptional" | "pair" | "second" | "secondOptional" | "compare" | "other" | "granularity" | "limit", boolean>> {
  const { kind, chart } = widget;
  const isPivot = chart === "pivot";
  const isSeries = kind === "timeseries";
  const isGrouped = widget.query?.group_by !== undefined;
  return {
    group: kind === "breakdown" || kind === "table" || (isSeries && chart !== "dual_axis" && chart !== "waterfall"), groupOptional: isSeries, pair: isPivot,
    second: chart === "dual_axis" || chart === "scatter" || (kind === "table" && !isPivot), secondOptional: kind === "table",
    compare: kind !== "heatmap" && !isPivot && chart !== "waterfall",
    other: (kind === "breakdown" || kind === "table" || isSeries) && isGrouped && !isPivot, granularity: isSeries,
    limit: isGrouped && (kind === "breakdown" || kind === "table" || isSeries),
  };
}
