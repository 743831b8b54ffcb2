import { columnOf, seriesModel, textIn } from "../result";
import type { QueryResult, QueryWidget, WidgetConfig } from "../types";
import { breakdownView } from "./breakdown";
import type { ChartContext, ChartView } from "./chart";
import { timeseriesView } from "./timeseries";

/** How a widget is shown: as plain markup, as a drawn chart, or not at all by this version. */
export type Face = "stat" | "progress" | "list" | "table" | "chart" | "unknown";

export function faceOf(widget: WidgetConfig): Face {
  switch (`${widget.kind}/${widget.chart}`) {
    case "kpi/stat":
      return "stat";
    case "kpi/progress":
      return "progress";
    case "breakdown/list":
      return "list";
    case "table/table":
      return "table";
    case "timeseries/area":
    case "timeseries/line":
    case "timeseries/bar":
    case "timeseries/stacked_bar":
    case "breakdown/bar":
    case "breakdown/horizontal_bar":
    case "breakdown/donut":
      return "chart";
    default:
      return "unknown";
  }
}

/** Whether the widget has data that this version can show; the others are not asked for. */
export function showsData(widget: WidgetConfig): widget is QueryWidget {
  return widget.query !== undefined && faceOf(widget) !== "unknown";
}

/** The values that a chart tells apart by colour, in the order in which they choose one; null for charts of one colour. */
export function colorKeys(widget: QueryWidget, result: QueryResult): { readonly dimension: string; readonly values: readonly string[] } | null {
  const column = columnOf(result, "dimension")?.name;
  if (column === undefined) return null;
  const dimension = widget.query.group_by ?? column;
  if (widget.kind === "timeseries") return { dimension, values: seriesModel(widget, result).series.map((series) => series.key) };
  return widget.chart === "donut" ? { dimension, values: result.rows.map((row) => textIn(row, column)) } : null;
}

export function chartView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  return widget.kind === "timeseries" ? timeseriesView(widget, result, context) : breakdownView(widget, result, context);
}

export * from "./chart";
