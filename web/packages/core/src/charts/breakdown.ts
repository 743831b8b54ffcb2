import { ensureContrast, withAlpha } from "../color";
import { formatOf, formatValue } from "../format";
import { breakdownModel, type BreakdownItem, type BreakdownModel } from "../result";
import { strings } from "../strings";
import type { QueryResult, QueryWidget } from "../types";
import { colorOf, niceScale, textStyle, visible, widest, type ChartContext, type ChartOption, type ChartView, type TooltipRow } from "./chart";

/** Categories as bars: lying by default (long names stay readable), standing where the author chose so, or as a ring. */
export function breakdownView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const model = breakdownModel(widget, result, context);
  const option = widget.chart === "donut" ? donut(widget, model, context) : horizontal(widget, model, context);
  const previous = model.items.some((item) => item.delta !== null);
  return {
    option,
    trigger: "item",
    legend:
      widget.chart === "donut"
        ? model.items.map((item, index) => ({ key: item.key, name: item.label, color: colorOf(context, item.key, index), dashed: false, hidden: false }))
        : [],
    tooltip(index) {
      const item = model.items[index];
      if (!item) return null;
      const color = widget.chart === "donut" ? colorOf(context, item.key, index) : barColor(widget, context);
      const rows: TooltipRow[] = [{ color, name: strings.metrics[widget.query.metric] ?? strings.value, value: item.text }];
      if (item.share !== null) rows.push({ color: null, name: strings.share, value: item.shareText });
      if (item.delta) rows.push({ color: null, name: strings.previous, value: item.delta.previousText, note: arrow(item) });
      return { title: item.label, rows };
    },
    summary: summarize(widget, model),
    table: {
      columns: [
        { label: model.dimensionLabel, numeric: false },
        { label: strings.metrics[widget.query.metric] ?? strings.value, numeric: true },
        ...(model.hasShare ? [{ label: strings.share, numeric: true }] : []),
        ...(previous ? [{ label: strings.change, numeric: true }] : []),
      ],
      rows: model.items.map((item) => [
        item.label,
        item.text,
        ...(model.hasShare ? [item.shareText] : []),
        ...(previous ? [arrow(item)] : []),
      ]),
    },
    hit(_seriesId, index) {
      const item = model.items[index];
      return item ? { dimension: model.dimension, value: item.key } : null;
    },
  };
}

function arrow(item: BreakdownItem): string {
  if (!item.delta) return strings.noValue;
  return `${{ up: "↑", down: "↓", flat: "→" }[item.delta.direction]} ${item.delta.text}`;
}

function barColor(widget: QueryWidget, context: ChartContext): string {
  return visible(widget.options?.color ?? context.theme.primary, context);
}

const widestSlot = 44;

function horizontal(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const color = barColor(widget, context);
  const values = model.items.map((item) => item.value ?? 0);
  const format = formatOf(widget);
  const scale = niceScale(Math.min(0, ...values), Math.max(0, ...values) || 1, 4, false);
  const labelWidth = Math.round(Math.min(context.width * 0.38, Math.max(32, widest(context, model.items.map((item) => item.label), 13) + 4), 220));
  // The bars need the room: large sums are shortened here and stand in full in the tooltip.
  const labels = model.items.map((item) => formatValue(item.value, format, context.locale, "headline"));
  const valueWidth = widest(context, labels, 12) + 16;
  // Few bars stand close together at the top instead of far apart.
  const slot = Math.min(widestSlot, context.height / Math.max(1, model.items.length));
  return {
    animation: context.animate,
    animationDuration: 350,
    animationDurationUpdate: 250,
    animationEasing: "cubicOut",
    textStyle: textStyle(context),
    grid: { outerBoundsMode: "none", left: labelWidth + 10, right: valueWidth, top: 0, height: Math.round(slot * model.items.length) },
    xAxis: { type: "value", ...scale, max: Math.max(0, ...values) || 1, show: false, axisLabel: { formatter: (value: number) => formatValue(value, format, context.locale, "axis") } },
    yAxis: {
      type: "category",
      inverse: true,
      data: model.items.map((item) => item.label),
      axisLine: { show: false },
      axisTick: { show: false },
      axisPointer: { show: false },
      axisLabel: {
        ...textStyle(context),
        fontSize: 13,
        color: context.theme.text,
        align: "left",
        margin: labelWidth + 10,
        padding: 0,
        width: labelWidth,
        overflow: "truncate",
        ellipsis: "…",
        interval: 0,
      },
      triggerEvent: true,
    },
    series: [
      {
        id: "s:",
        type: "bar",
        color,
        barWidth: Math.round(Math.min(22, Math.max(6, slot * 0.56))),
        itemStyle: { borderRadius: 4 },
        emphasis: { itemStyle: { color: ensureContrast(color, context.theme.card, 3.4) } },
        label: {
          show: true,
          position: "right",
          formatter: (point: { dataIndex: number }) => labels[point.dataIndex] ?? "",
          color: context.theme.text,
          fontSize: 12,
          fontWeight: 500,
          fontFamily: context.fontFamily,
          distance: 8,
        },
        cursor: context.interactive ? "pointer" : "default",
        data: model.items.map((item) => ({
          value: item.value ?? 0,
          ...(context.selected.size > 0 && !context.selected.has(item.key) ? { itemStyle: { color: withAlpha(color, 0.3) } } : {}),
        })),
      },
    ],
  };
}

function donut(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  return {
    animation: context.animate,
    animationDuration: 350,
    textStyle: textStyle(context),
    series: [
      {
        id: "s:",
        type: "pie",
        cursor: context.interactive ? "pointer" : "default",
        name: widget.title,
        radius: ["62%", "90%"],
        label: { show: false },
        itemStyle: { borderColor: context.theme.card, borderWidth: 2, borderRadius: 4 },
        emphasis: { scaleSize: 4 },
        data: model.items.map((item, index) => ({
          name: item.label,
          value: Math.max(0, item.value ?? 0),
          itemStyle: { color: colorOf(context, item.key, index) },
        })),
      },
    ],
  };
}

function summarize(widget: QueryWidget, model: BreakdownModel): string {
  const top = model.items.slice(0, 3).map((item) => `${item.label} ${item.text}${item.share === null ? "" : ` (${item.shareText})`}`).join(", ");
  const head = strings.summaryBreakdown(widget.title, model.items.length);
  return top === "" ? head : `${head} ${strings.summaryTop(top)}`;
}
