import { withAlpha } from "../color";
import { formatOf, secondFormatOf } from "../format";
import { numbers, type BreakdownModel } from "../result";
import type { QueryWidget } from "../types";
import { valueAxis } from "./axes";
import { barColor } from "./bars";
import { cut, motion, otherColor, textStyle, type ChartContext, type ChartOption } from "./chart";

/** Each category as a point: the first metric to the right, the second upwards. Names stand beside the points as far as there is room. */
export function scatterOption(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const color = barColor(widget, context);
  const points = model.items.map((item, index) => ({ item, index })).filter(({ item }) => item.value !== null && item.second !== null);
  const columns = context.width < 420 ? 3 : context.width > 1200 ? 8 : 5;
  const across = valueAxis(numbers(model.items.map((item) => item.value)), formatOf(widget), widget.query.metric.startsWith("count"), context, columns, true);
  const up = valueAxis(numbers(model.items.map((item) => item.second)), secondFormatOf(widget), (widget.query.second_metric ?? "").startsWith("count"), context, undefined, true);
  const rightmost = Number(across["min"]) + (Number(across["max"]) - Number(across["min"])) * 0.72;
  const name = { ...textStyle(context), color: context.theme.muted };
  return {
    ...motion(context),
    textStyle: textStyle(context),
    grid: { left: 2, right: 24, top: 34, bottom: 26, containLabel: true },
    xAxis: {
      ...across, name: cut(context, withUnit(model.valueLabel, across), 12, context.width * 0.7), nameLocation: "middle", nameGap: 32, nameTextStyle: name,
      axisLine: { show: true, lineStyle: { color: context.theme.line } },
    },
    yAxis: { ...up, name: cut(context, withUnit(model.secondLabel, up), 12, context.width * 0.7), nameLocation: "end", nameGap: 14, nameTextStyle: { ...name, align: "left", padding: 0 } },
    series: [
      {
        id: "s:",
        type: "scatter",
        symbolSize: points.length > 200 ? 7 : points.length > 40 ? 9 : 12,
        cursor: context.interactive ? "pointer" : "default",
        itemStyle: { color: withAlpha(color, 0.78), borderColor: context.theme.card, borderWidth: 1 },
        emphasis: { scale: 1.3, itemStyle: { color } },
        label: {
          show: points.length <= 60,
          position: "right",
          distance: 6,
          formatter: (point: { data?: { index?: number } }) => cut(context, model.items[point.data?.index ?? -1]?.label ?? "", 12, 120),
          fontFamily: context.fontFamily,
          fontSize: 12,
          color: context.theme.text,
        },
        labelLayout: { hideOverlap: true },
        data: points.map(({ item, index }) => ({
          name: item.label,
          value: [item.value, item.second],
          index,
          // Beside the right edge the name stands on the other side.
          ...((item.value ?? 0) > rightmost ? { label: { position: "left" } } : {}),
          ...(item.isOther ? { cursor: "default", itemStyle: { color: otherColor(context) }, label: { color: context.theme.muted } } : {}),
          ...(context.selected.size > 0 && !context.selected.has(item.key) ? { itemStyle: { color: withAlpha(color, 0.25) } } : {}),
        })),
      },
    ],
  };
}

function withUnit(label: string, axis: ChartOption): string {
  return typeof axis["name"] === "string" ? `${label} (${axis["name"]})` : label;
}
