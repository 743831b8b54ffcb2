import type { Picked } from "../drill";
import { columnOf, keyIn, otherKey, seriesModel } from "../result";
import type { QueryResult, QueryWidget, WidgetConfig } from "../types";
import { breakdownView } from "./breakdown";
import type { ChartContext, ChartView } from "./chart";
import { dualAxisView } from "./dual-axis";
import { gaugeView } from "./gauge";
import { heatmapView } from "./heatmap";
import { timeseriesView } from "./timeseries";
import { waterfallView } from "./waterfall";

/** How a widget is shown: as plain markup, as a drawn chart, or not at all by this version. */
export type Face = "stat" | "progress" | "list" | "table" | "pivot" | "text" | "chart" | "unknown";

const drawn: ReadonlySet<string> = new Set([
  "kpi/gauge",
  "timeseries/area", "timeseries/line", "timeseries/bar", "timeseries/stacked_bar", "timeseries/dual_axis", "timeseries/waterfall",
  "breakdown/bar", "breakdown/horizontal_bar", "breakdown/donut", "breakdown/funnel", "breakdown/treemap", "breakdown/radar", "breakdown/scatter",
  "heatmap/heatmap",
]);

const written: Readonly<Record<string, Face>> = {
  "kpi/stat": "stat", "kpi/progress": "progress", "breakdown/list": "list", "table/table": "table", "table/pivot": "pivot", "text/text": "text",
};

export function faceOf(widget: WidgetConfig): Face {
  const name = `${widget.kind}/${widget.chart}`;
  return drawn.has(name) ? "chart" : written[name] ?? "unknown";
}

/** Whether the widget has data that this version can show; the others are not asked for. */
export function showsData(widget: WidgetConfig): widget is QueryWidget {
  const face = faceOf(widget);
  return widget.query !== undefined && face !== "unknown" && face !== "text";
}

/** The values that a chart tells apart by colour, in the order in which they choose one; null for charts of one colour. */
export function colorKeys(widget: QueryWidget, result: QueryResult): { readonly dimension: string; readonly values: readonly string[] } | null {
  const column = columnOf(result, "dimension")?.name;
  if (column === undefined || widget.kind === "heatmap") return null;
  const dimension = widget.query.group_by ?? column;
  const named = (keys: readonly string[]) => ({ dimension, values: keys.filter((key) => key !== otherKey) });
  if (widget.kind === "timeseries") return widget.chart === "waterfall" ? null : named(seriesModel(widget, result).series.map((series) => series.key));
  return widget.chart === "donut" || widget.chart === "treemap" ? named(result.rows.map((row) => keyIn(row, column))) : null;
}

/** What a click in this widget names, whatever the mark: by it a face learns whether clicks have an effect. */
export function typicalPick(widget: QueryWidget): Picked {
  const { group_by: dimension, group_by_2: second } = widget.query;
  const someRange = { from: "", to: "" };
  if (widget.kind === "heatmap") return { dimension: "weekday", value: "1", secondDimension: "hour", secondValue: "0" };
  if (widget.kind === "timeseries") return dimension === undefined || widget.chart === "waterfall" ? { range: someRange } : { dimension, value: "", range: someRange };
  if (dimension === undefined) return {};
  return second === undefined ? { dimension, value: "" } : { dimension, value: "", secondDimension: second, secondValue: "" };
}

export function chartView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  switch (widget.kind) {
    case "kpi":
      return gaugeView(widget, result, context);
    case "heatmap":
      return heatmapView(widget, result, context);
    case "timeseries":
      if (widget.chart === "waterfall") return waterfallView(widget, result, context);
      return widget.chart === "dual_axis" ? dualAxisView(widget, result, context) : timeseriesView(widget, result, context);
    default:
      return breakdownView(widget, result, context);
  }
}

export * from "./chart";
export { gaugeModel, type GaugeModel } from "./gauge";
export { funnelSteps, type FunnelStep } from "./funnel";
export { tileColor } from "./treemap";
