import { ensureContrast, withAlpha } from "../color";
import { formatOf, formatValue } from "../format";
import type { BreakdownModel } from "../result";
import type { QueryWidget } from "../types";
import { gridBelow, valueAxis } from "./axes";
import { cut, motion, niceScale, otherColor, textStyle, visible, widest, type ChartContext, type ChartOption } from "./chart";

const widestSlot = 44;

export function barColor(widget: QueryWidget, context: ChartContext): string {
  return visible(widget.options?.color ?? context.theme.primary, context);
}

/** Standing bars where the author chose so and the names fit below them; lying ones otherwise, where long names stay readable. */
export function barsOption(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  return isStanding(widget, model, context) ? standing(widget, model, context) : lying(widget, model, context);
}

export function isStanding(widget: QueryWidget, model: BreakdownModel, context: ChartContext): boolean {
  const slot = (context.width - 64) / Math.max(1, model.items.length);
  return widget.chart === "bar" && context.height >= 160 && model.items.length > 1 && widest(context, model.items.map((item) => item.label), 12) + 8 <= slot;
}

/** The height at which every bar can be read; where there is less, the plot scrolls. */
export function heightOf(widget: QueryWidget, model: BreakdownModel, context: ChartContext): number {
  return isStanding(widget, model, context) ? 0 : model.items.length * 22;
}

function dataOf(model: BreakdownModel, color: string, context: ChartContext): readonly ChartOption[] {
  return model.items.map((item) => {
    const own = item.isOther ? otherColor(context) : color;
    const faded = context.selected.size > 0 && !context.selected.has(item.key);
    return {
      value: item.value,
      cursor: item.isOther ? "default" : undefined,
      itemStyle: { color: faded ? withAlpha(own, 0.3) : own },
      emphasis: { itemStyle: { color: ensureContrast(own, context.theme.card, 3.4) } },
    };
  });
}

function standing(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const color = barColor(widget, context);
  const format = formatOf(widget);
  const slot = (context.width - 64) / Math.max(1, model.items.length);
  const labels = model.items.map((item) => formatValue(item.value, format, context.locale, "headline"));
  const fits = widest(context, labels, 12) + 4 <= slot;
  const yAxis = valueAxis(model.items.map((item) => item.value ?? 0), format, widget.query.metric.startsWith("count"), context);
  return {
    ...motion(context),
    textStyle: textStyle(context),
    grid: { ...gridBelow(yAxis), top: 24 },
    xAxis: {
      type: "category",
      data: model.items.map((item) => item.label),
      axisLine: { lineStyle: { color: context.theme.line } },
      axisTick: { show: false },
      axisLabel: { ...textStyle(context), color: context.theme.text, margin: 10, interval: 0 },
      triggerEvent: true,
    },
    yAxis,
    series: [
      {
        id: "s:",
        type: "bar",
        color,
        barMaxWidth: 56,
        barCategoryGap: "36%",
        itemStyle: { borderRadius: [4, 4, 0, 0] },
        label: {
          show: fits,
          position: "top",
          formatter: (point: { dataIndex: number }) => labels[point.dataIndex] ?? "",
          color: context.theme.text,
          fontSize: 12,
          fontWeight: 500,
          fontFamily: context.fontFamily,
        },
        cursor: context.interactive ? "pointer" : "default",
        data: dataOf(model, color, context).map((point, index) => ((model.items[index]?.value ?? 0) < 0 ? { ...point, label: { position: "bottom" } } : point)),
      },
    ],
  };
}

function lying(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const color = barColor(widget, context);
  const values = model.items.map((item) => item.value ?? 0);
  const format = formatOf(widget);
  const low = Math.min(0, ...values);
  const scale = niceScale(low, Math.max(0, ...values) || 1, 4, false);
  const names = model.items.map((item) => item.label);
  const labelWidth = Math.round(Math.min(context.width * 0.38, Math.max(32, widest(context, names, 13) + 4), 220));
  // The bars need the room: large sums are shortened here and stand in full in the tooltip.
  const labels = model.items.map((item) => formatValue(item.value, format, context.locale, "headline"));
  const valueWidth = widest(context, labels, 12) + 16;
  // Few bars stand close together at the top instead of far apart.
  const slot = Math.min(widestSlot, context.height / Math.max(1, model.items.length));
  const step = Math.max(1, Math.ceil(15 / slot));
  return {
    ...motion(context),
    textStyle: textStyle(context),
    grid: { outerBoundsMode: "none", left: labelWidth + 10 + (low < 0 ? valueWidth : 0), right: valueWidth, top: 0, height: Math.round(slot * model.items.length) },
    xAxis: {
      type: "value", ...scale, min: low < 0 ? low : scale.min, max: Math.max(0, ...values) || (low < 0 ? 0 : 1), show: false, axisPointer: { show: false },
      axisLabel: { formatter: (value: number) => formatValue(value, format, context.locale, "axis") },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: names.map((name) => cut(context, name, 13, labelWidth)),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: {
        ...textStyle(context),
        fontSize: slot < 18 ? 11 : 13,
        color: (_name: string, index: number) => (model.items[index]?.isOther ? context.theme.muted : context.theme.text),
        align: "left",
        margin: labelWidth + 10 + (low < 0 ? valueWidth : 0),
        padding: 0,
        width: labelWidth,
        overflow: "truncate",
        ellipsis: "…",
        interval: (index: number) => index % step === 0,
      },
      triggerEvent: true,
    },
    series: [
      {
        id: "s:",
        type: "bar",
        color,
        barWidth: Math.round(Math.min(22, Math.max(2, slot * 0.56))),
        itemStyle: { borderRadius: Math.min(4, slot * 0.2) },
        label: {
          show: slot >= 13,
          position: "right",
          formatter: (point: { dataIndex: number }) => labels[point.dataIndex] ?? "",
          color: context.theme.text,
          fontSize: slot < 18 ? 11 : 12,
          fontWeight: 500,
          fontFamily: context.fontFamily,
          distance: 8,
        },
        cursor: context.interactive ? "pointer" : "default",
        data: dataOf(model, color, context).map((point, index) => ((values[index] ?? 0) < 0 ? { ...point, label: { position: "left" } } : point)),
      },
    ],
  };
}
