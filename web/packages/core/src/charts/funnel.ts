import { mix, withAlpha } from "../color";
import { formatOf, formatShare, formatValue } from "../format";
import type { BreakdownModel } from "../result";
import { strings } from "../strings";
import type { QueryWidget } from "../types";
import { barColor } from "./bars";
import { cut, motion, otherColor, textStyle, widest, type ChartContext, type ChartOption } from "./chart";

export interface FunnelStep {
  /** Part of the first step that came so far, 0…; null when the first is 0. */
  readonly ofFirst: number | null;
  /** Part of the step before; null for the first. */
  readonly ofPrevious: number | null;
}

export function funnelSteps(model: BreakdownModel): readonly FunnelStep[] {
  const first = model.items[0]?.value ?? 0;
  return model.items.map((item, index) => {
    const before = index > 0 ? model.items[index - 1]?.value ?? 0 : 0;
    const part = (of: number) => (of > 0 && item.value !== null ? item.value / of : null);
    return { ofFirst: part(first), ofPrevious: index > 0 ? part(before) : null };
  });
}

/** What ECharts hands to a series that draws itself. */
interface Pen {
  value(column: number): number;
  coord(point: readonly [number, number]): readonly [number, number];
  size(span: readonly [number, number]): readonly [number, number];
}

/** Steps one below the other, each as wide as its value and narrowing to the next; names on the left, value and shares on the right. */
export function funnelOption(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const steps = funnelSteps(model);
  const count = model.items.length;
  const format = formatOf(widget);
  const share = (value: number | null | undefined) => formatShare(value, context.locale);
  const values = model.items.map((item) => formatValue(item.value, format, context.locale, "headline"));
  const firsts = steps.map((step) => share(step.ofFirst));
  const slot = Math.min(72, context.height / Math.max(1, count));
  // Where it is low, the share of the step before goes; it is in the tooltip and in the table.
  const isTall = slot >= 40;
  const befores = steps.map((step, index) => (index > 0 && isTall ? strings.ofPreviousShort(share(step.ofPrevious)) : ""));
  const nameWidth = Math.round(Math.min(context.width * 0.3, Math.max(32, widest(context, model.items.map((item) => item.label), 13) + 4), 220));
  const valueWidth = widest(context, values, 12) + 10;
  const sideWidth = valueWidth + Math.max(widest(context, firsts, 12), widest(context, befores, 12)) + 20;
  const peak = Math.max(...model.items.map((item) => item.value ?? 0), 0) || 1;
  const base = barColor(widget, context);
  const color = (index: number) => {
    const item = model.items[index];
    if (!item || item.isOther) return otherColor(context);
    const shade = mix(base, context.theme.card, Math.min(0.45, index * (0.5 / Math.max(4, count))));
    return context.selected.size > 0 && !context.selected.has(item.key) ? withAlpha(shade, 0.3) : shade;
  };
  const category = { type: "category", inverse: true, axisLine: { show: false }, axisTick: { show: false } };
  const text = { ...textStyle(context), padding: 0, interval: 0 };
  return {
    ...motion(context),
    textStyle: textStyle(context),
    grid: { outerBoundsMode: "none", left: nameWidth + 16, right: sideWidth, top: 0, height: Math.round(slot * count) },
    xAxis: { type: "value", min: -1, max: 1, show: false, axisPointer: { show: false } },
    yAxis: [
      {
        ...category,
        data: model.items.map((item) => cut(context, item.label, 13, nameWidth)),
        triggerEvent: true,
        axisLabel: {
          ...text, fontSize: 13, align: "left", margin: nameWidth + 16,
          color: (_name: string, index: number) => (model.items[index]?.isOther ? context.theme.muted : context.theme.text),
        },
      },
      {
        ...category,
        axisPointer: { show: false },
        position: "right",
        data: model.items.map((_item, index) => String(index)),
        axisLabel: {
          ...text,
          align: "left",
          margin: 12,
          lineHeight: 16,
          formatter: (_name: string, index: number) =>
            `{value|${values[index] ?? ""}}{share|${firsts[index] ?? ""}}${befores[index] ? `\n{value|}{before|${befores[index]}}` : ""}`,
          rich: {
            value: { width: valueWidth, fontSize: 12, fontWeight: 600, color: context.theme.text, fontFamily: context.fontFamily },
            share: { fontSize: 12, color: context.theme.text, fontFamily: context.fontFamily },
            before: { fontSize: 12, color: context.theme.muted, fontFamily: context.fontFamily },
          },
        },
      },
    ],
    series: [
      {
        id: "s:",
        type: "custom",
        cursor: context.interactive ? "pointer" : "default",
        encode: { x: 1, y: 0 },
        data: model.items.map((item, index) => ({ value: [index, item.value ?? 0], itemStyle: { color: color(index) } })),
        renderItem: (_parameters: unknown, pen: Pen) => {
          const index = pen.value(0);
          const [x, y] = pen.coord([0, index]);
          const half = pen.size([1, 0])[0];
          const height = pen.size([0, 1])[1];
          const part = (value: number | null | undefined) => Math.max(0.004, (value ?? 0) / peak) * half;
          const own = part(model.items[index]?.value);
          const next = index < count - 1 ? Math.min(own, part(model.items[index + 1]?.value)) : own * 0.86;
          // The upper part keeps its width, so that it can be compared; the lower one leads to the next step.
          const top = y - height / 2 + 1;
          const bend = y + height * 0.24;
          const bottom = y + height / 2 - 1;
          return {
            type: "polygon",
            shape: { points: [[x - own, top], [x + own, top], [x + own, bend], [x + next, bottom], [x - next, bottom], [x - own, bend]] },
            style: { fill: color(index) },
            emphasis: { style: { opacity: 0.85 } },
          };
        },
      },
    ],
  };
}
