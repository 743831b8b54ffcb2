import { faceOf, showsData, type WidgetConfig } from "@emban/core";
import { ChartFace } from "./chart";
import type { WidgetFace } from "./face";
import { ProgressFace, StatFace } from "./kpi";
import { ListFace } from "./list";
import { PivotFace } from "./pivot";
import { TableFace } from "./table";
import { TextFace } from "./text";

/** The face for a widget's kind and chart; null for what this version cannot show. */
export function makeFace(widget: WidgetConfig): WidgetFace | null {
  if (faceOf(widget) === "text") return new TextFace(widget);
  if (!showsData(widget)) return null;
  switch (faceOf(widget)) {
    case "stat":
      return new StatFace(widget);
    case "progress":
      return new ProgressFace(widget);
    case "list":
      return new ListFace(widget);
    case "table":
      return new TableFace(widget);
    case "pivot":
      return new PivotFace(widget);
    case "chart":
      return new ChartFace(widget);
    case "text":
    case "unknown":
      return null;
  }
}
