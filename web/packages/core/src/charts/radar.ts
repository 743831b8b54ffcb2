import { withAlpha } from "../color";
import { formatOf } from "../format";
import type { BreakdownModel } from "../result";
import { strings } from "../strings";
import type { QueryWidget } from "../types";
import { barColor } from "./bars";
import { cut, motion, niceScale, textStyle, type ChartContext, type ChartOption } from "./chart";

/** More spokes than these cannot be told apart. */
export const mostAxes = 16;

/** Part of the half side; on a narrow plot the names need the room. */
const radiusIn = (context: ChartContext) => (context.width < 380 ? 0.56 : 0.66);
const center = { x: 0.5, y: 0.52 };

/** The spoke nearest to a place of the plot, by its angle; -1 far outside. They go round against the clock, from the top. */
export function spokeAt(count: number, x: number, y: number, context: ChartContext): number {
  const across = x - context.width * center.x;
  const up = context.height * center.y - y;
  const turn = (Math.atan2(up, across) - Math.PI / 2) / (2 * Math.PI);
  const far = Math.hypot(across, up) > (Math.min(context.width, context.height) / 2) * (radiusIn(context) + 0.45);
  return far ? -1 : ((Math.round(turn * count) % count) + count) % count;
}

/** Categories as spokes of one web, which all have the same scale; the earlier period as a dashed web behind. */
export function radarOption(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const items = model.items.slice(0, mostAxes);
  const color = barColor(widget, context);
  const previous = items.some((item) => item.previous !== null);
  const peak = Math.max(...items.flatMap((item) => [item.value ?? 0, item.previous ?? 0]), 0);
  const format = formatOf(widget);
  const scale = niceScale(0, peak || 1, 4, widget.query.metric.startsWith("count") && format.style === "number");
  const room = Math.max(40, Math.min(140, context.width / 2 - (Math.min(context.width, context.height) / 2) * radiusIn(context) - 12));
  const shape = { type: "radar", symbol: "circle", symbolSize: 6 };
  return {
    ...motion(context),
    textStyle: textStyle(context),
    radar: {
      radius: `${radiusIn(context) * 100}%`,
      center: [`${center.x * 100}%`, `${center.y * 100}%`],
      axisNameGap: 8,
      axisName: { ...textStyle(context), color: context.theme.text },
      splitNumber: Math.round(scale.max / scale.interval),
      splitArea: { show: false },
      splitLine: { lineStyle: { color: context.theme.line } },
      axisLine: { lineStyle: { color: context.theme.line } },
      indicator: items.map((item) => ({ name: cut(context, item.label, 12, room), min: 0, max: scale.max, ...(item.isOther ? { color: context.theme.muted } : {}) })),
    },
    series: [
      ...(previous
        ? [{
            ...shape, id: "previous", silent: true, symbol: "none", color: context.theme.muted,
            data: [{ name: strings.previousPeriod, value: items.map((item) => item.previous ?? 0), lineStyle: { width: 1.5, type: [4, 4], color: context.theme.muted } }],
          }]
        : []),
      {
        ...shape,
        id: "s:",
        color,
        data: [{
          name: widget.title,
          value: items.map((item) => item.value ?? 0),
          lineStyle: { width: 2, color },
          itemStyle: { color, borderColor: context.theme.card, borderWidth: 1.5 },
          areaStyle: { color: withAlpha(color, context.theme.mode === "dark" ? 0.24 : 0.14) },
        }],
      },
    ],
  };
}
