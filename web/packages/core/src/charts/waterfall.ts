import { formatOf, formatValue } from "../format";
import { isAdditive, seriesModel } from "../result";
import { strings } from "../strings";
import { axisTime, bucketTime } from "../time";
import type { QueryResult, QueryWidget } from "../types";
import { gridBelow, timeAxis, valueAxis } from "./axes";
import { motion, textStyle, visible, type ChartContext, type ChartOption, type ChartView, type TooltipRow } from "./chart";
import { seriesHit, summarizeSeries } from "./timeseries";

interface Step {
  readonly from: number;
  readonly to: number;
}

/** What ECharts hands to a series that draws itself. */
interface Pen {
  value(column: number): number;
  coord(point: readonly [number, number]): readonly [number, number];
  size(span: readonly [number, number]): readonly [number, number];
}

/**
 * Each bucket as a step from where the one before it ended, and at the end what they come to. Averages and the like cannot be added
 * up: their steps are the changes from bucket to bucket, and the last bar is the latest value.
 */
export function waterfallView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const model = seriesModel(widget, result);
  const format = formatOf(widget);
  const adds = isAdditive(widget);
  const values = model.times.map((_time, index) => sumAt(model.series.map((series) => series.values[index] ?? null)));
  const steps: Step[] = [];
  let level = 0;
  for (const value of values) {
    const to = adds ? level + (value ?? 0) : value ?? level;
    steps.push({ from: level, to });
    level = to;
  }
  const end = adds ? strings.total : strings.latest;
  const all = [...steps, { from: 0, to: level }];
  const labels = [...model.times.map((time) => axisTime(time, model.granularity, context)), end];
  const colors = { up: visible(widget.options?.color ?? context.theme.primary, context), down: context.theme.negative, total: context.theme.muted };
  const say = (value: number | null) => formatValue(value, format, context.locale);
  const colorAt = (index: number) => {
    const step = all[index];
    return step === undefined || index === steps.length ? colors.total : step.to < step.from ? colors.down : colors.up;
  };
  const yAxis = valueAxis(all.flatMap(({ from, to }) => [from, to]), format, widget.query.metric.startsWith("count"), context);
  const axis = timeAxis(labels, { ...model, times: [...model.times, model.times[model.times.length - 1] ?? ""] }, true, context);
  const option: ChartOption = {
    ...motion(context),
    textStyle: textStyle(context),
    grid: gridBelow(yAxis),
    xAxis: withLast(axis, labels.length, context),
    yAxis,
    series: [
      {
        id: "s:",
        type: "custom",
        cursor: context.interactive ? "pointer" : "default",
        encode: { x: 0, y: [1, 2] },
        data: all.map(({ from, to }, index) => ({ value: [index, from, to], itemStyle: { color: colorAt(index) } })),
        renderItem: (_parameters: unknown, pen: Pen) => bar(pen, colorAt(pen.value(0)), pen.value(0) < all.length - 1, context),
      },
    ],
  };
  const rowOf = (index: number): TooltipRow[] => {
    const step = all[index];
    if (!step) return [];
    if (index === steps.length) return [{ color: colors.total, name: end, value: say(step.to) }];
    const before = adds ? values[index] ?? null : step.to - step.from;
    const change = { color: colorAt(index), name: adds ? strings.metrics[widget.query.metric] ?? strings.value : strings.change, value: signed(before, say) };
    return [change, { color: null, name: adds ? strings.runningTotal : strings.value, value: say(step.to) }];
  };
  return {
    option,
    trigger: "axis",
    pointer: "shadow",
    clickAxis: "x",
    legend: [],
    tooltip(index) {
      const time = model.times[index];
      const rows = rowOf(index);
      if (rows.length === 0) return null;
      if (time === undefined) return { title: widget.title, rows };
      const title = bucketTime(time, model.granularity, context);
      return { title: model.lastIsPartial && index === steps.length - 1 ? `${title} (${strings.soFar})` : title, rows };
    },
    summary: `${summarizeSeries(widget, { ...model, series: [{ key: "", name: widget.title, values, total: level }] }, format, context)} ${strings.summaryTotal(end, say(level))}`,
    table: {
      columns: [
        { label: strings.time, numeric: false },
        { label: adds ? strings.metrics[widget.query.metric] ?? strings.value : strings.change, numeric: true },
        { label: adds ? strings.runningTotal : strings.value, numeric: true },
      ],
      rows: [
        ...model.times.map((time, index) => {
          const step = steps[index];
          return [bucketTime(time, model.granularity, context), say(adds ? values[index] ?? null : step ? step.to - step.from : null), say(step?.to ?? null)];
        }),
        [end, "", say(level)],
      ],
    },
    hit: (_seriesId, index) => seriesHit(widget, result, { ...model, dimension: null }, undefined, index),
  };
}

function sumAt(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

function signed(value: number | null, say: (value: number | null) => string): string {
  return value !== null && value > 0 ? `+${say(value)}` : say(value);
}

/** The last label is the total's, and always has its place. */
function withLast(axis: ChartOption, count: number, context: ChartContext): ChartOption {
  const label = axis["axisLabel"] as { readonly interval: (index: number) => boolean };
  const near = Math.ceil(count * Math.min(0.5, 72 / Math.max(80, context.width - 64)));
  return { ...axis, axisLabel: { ...label, hideOverlap: false, interval: (index: number) => index === count - 1 || (index < count - near && label.interval(index)) } };
}

/** A bar from one level to another, and a thin line from its end to the next bar. */
function bar(pen: Pen, color: string, isFollowed: boolean, context: ChartContext): ChartOption {
  const index = pen.value(0);
  const from = pen.coord([index, pen.value(1)]);
  const to = pen.coord([index, pen.value(2)]);
  const slot = pen.size([1, 0])[0];
  const width = Math.max(1, Math.min(36, slot * 0.68));
  const top = Math.min(from[1], to[1]);
  // A step of nothing is a line, not a hole.
  const height = Math.max(1.5, Math.abs(from[1] - to[1]));
  const shape = { x: to[0] - width / 2, y: top, width, height, r: Math.min(2, height / 2) };
  return {
    type: "group",
    children: [
      { type: "rect", shape, style: { fill: color }, emphasis: { style: { opacity: 0.85 } }, transition: ["shape"] },
      ...(isFollowed
        ? [{ type: "line", silent: true, shape: { x1: to[0] + width / 2, y1: to[1], x2: to[0] + slot - width / 2, y2: to[1] }, style: { stroke: context.theme.muted, lineWidth: 1, opacity: 0.6 } }]
        : []),
    ],
  };
}
