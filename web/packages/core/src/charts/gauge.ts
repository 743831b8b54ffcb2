import { parseColor } from "../color";
import { formatOf, formatValue } from "../format";
import { columnOf, goodDirection, kpiModel, numberIn, signedChange, type KPIModel } from "../result";
import { strings } from "../strings";
import type { QueryResult, QueryWidget } from "../types";
import { motion, niceScale, textStyle, visible, type ChartContext, type ChartOption, type ChartView } from "./chart";

export interface GaugeModel extends KPIModel {
  readonly min: number;
  readonly max: number;
  readonly target: number | null;
  /** From each value on, up to the next one, the gauge has this colour; in ascending order. */
  readonly bands: readonly { readonly from: number; readonly color: string }[];
}

/** Ends that the author left open are round numbers around value, target and thresholds; percentages end at 100. */
export function gaugeModel(widget: QueryWidget, result: QueryResult, context: ChartContext): GaugeModel {
  const kpi = kpiModel(widget, result, context);
  const options = widget.options ?? {};
  const format = formatOf(widget);
  const given = (options.thresholds ?? []).filter((one) => Number.isFinite(one.value)).slice().sort((a, b) => a.value - b.value);
  const target = options.target !== undefined && Number.isFinite(options.target) ? options.target : null;
  const inside = [kpi.value ?? 0, target ?? 0, ...given.map((one) => one.value)];
  const lowest = Math.min(0, ...inside);
  const scale = niceScale(lowest, Math.max(...inside, lowest + 1e-9) || 1, 4, false);
  const min = options.min ?? scale.min;
  const percent = format.style === "percent" ? (format.unit === "ratio" ? 1 : 100) : null;
  const wanted = options.max ?? (percent !== null && Math.max(...inside) <= percent ? percent : scale.max);
  const max = wanted > min ? wanted : min + 1;
  return { ...kpi, min, max, target, bands: bandsOf(widget, given, min, context) };
}

function bandsOf(
  widget: QueryWidget, given: readonly { readonly value: number; readonly color?: string }[], min: number, context: ChartContext,
): GaugeModel["bands"] {
  const own = visible(widget.options?.color ?? context.theme.primary, context);
  if (given.length === 0) return [{ from: min, color: own }];
  const amber = visible(context.theme.mode === "dark" ? "#f2a45c" : "#d9730d", context);
  const good = [context.theme.positive, amber, context.theme.negative];
  const order = goodDirection(widget) === "up" ? [...good].reverse() : good;
  // Below the first threshold lies one more band, unless it starts at the very end.
  const starts = given[0] !== undefined && given[0].value > min ? [{ value: min }, ...given] : given;
  return starts.map((one, index) => {
    const color = "color" in one && parseColor(one.color) ? one.color : undefined;
    const place = starts.length === 1 ? 0 : Math.round((index / (starts.length - 1)) * 2);
    return { from: one.value, color: visible(color ?? order[place] ?? own, context) };
  });
}

/** A value on an arc from `min` to `max`, with a mark at the target and a rim of the thresholds' colours. */
export function gaugeView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const model = gaugeModel(widget, result, context);
  const format = formatOf(widget);
  const { min, max } = model;
  const value = model.value ?? min;
  const part = (at: number) => Math.min(1, Math.max(0, (at - min) / (max - min)));
  const band = [...model.bands].reverse().find((one) => value >= one.from) ?? model.bands[0];
  const color = band?.color ?? context.theme.primary;
  const say = (at: number) => formatValue(at, format, context.locale, "headline");
  const targetText = model.target === null ? "" : say(model.target);
  // An arc of 220°: it reaches 1 radius up and 0.35 down, and two lines of text stand in it.
  const radius = Math.max(40, Math.min(context.width / 2 - 8, (context.height - 12) / 1.42));
  const width = Math.max(8, Math.min(22, radius * 0.16));
  const arc = { type: "gauge", center: ["50%", Math.max(8, (context.height - radius * 1.38) / 2) + radius], radius, startAngle: 200, endAngle: -20, min, max, axisTick: { show: false }, splitLine: { show: false }, pointer: { show: false }, anchor: { show: false } };
  const rim = model.bands.length > 1;
  const size = Math.max(18, Math.min(40, Math.floor((radius * (rim ? 1.05 : 1.25)) / Math.max(4, model.text.length * 0.58))));
  const delta = model.delta;
  const targetName = widget.options?.target_label ?? strings.target;
  // In a small arc there is room for the value and the size of its change; the rest stands in the table.
  const roomy = radius > 96;
  const change = delta ? `{${delta.tone}|${signedChange(delta)}}${roomy ? `{note| ${strings.comparedTo(delta.previousText)}}` : ""}` : "";
  const aim = targetText === "" ? "" : `{note|${braceless(targetName)} ${targetText}}`;
  const lines = [model.text, ...(radius > 56 ? [change, radius > 140 || change === "" ? aim : ""] : [])].filter((line) => line !== "");
  const option: ChartOption = {
    ...motion(context),
    textStyle: textStyle(context),
    series: [
      {
        ...arc,
        id: "s:",
        silent: true,
        title: { show: false },
        axisLabel: { show: false },
        progress: { show: model.value !== null, width, roundCap: part(value) > 0.02, itemStyle: { color } },
        axisLine: { roundCap: true, lineStyle: { width, color: [[1, context.theme.track]] } },
        detail: {
          offsetCenter: [0, lines.length > 1 ? "-6%" : "0%"],
          color: context.theme.text,
          fontFamily: context.fontFamily,
          fontSize: size,
          fontWeight: 600,
          lineHeight: size * 1.25,
          formatter: () => lines.join("\n"),
          rich: {
            good: { color: context.theme.positive, fontSize: 12, fontWeight: 500, lineHeight: 20, fontFamily: context.fontFamily },
            bad: { color: context.theme.negative, fontSize: 12, fontWeight: 500, lineHeight: 20, fontFamily: context.fontFamily },
            neutral: { color: context.theme.muted, fontSize: 12, fontWeight: 500, lineHeight: 20, fontFamily: context.fontFamily },
            note: { color: context.theme.muted, fontSize: 12, fontWeight: 400, lineHeight: 20, fontFamily: context.fontFamily },
          },
        },
        data: [{ value }],
      },
      {
        ...arc,
        id: "rim",
        silent: true,
        z: 3,
        title: { show: false },
        detail: { show: false },
        radius: radius - width - 4,
        progress: { show: false },
        axisLine: { show: rim, lineStyle: { width: 3, color: rim ? stops(model, part) : [[1, "transparent"]] } },
        // The ends are said once, below the arc's feet.
        splitNumber: 1,
        axisLabel: { ...textStyle(context), show: radius > 140 || (roomy && lines.length === 1), distance: rim ? 8 : 4, formatter: (at: number) => formatValue(at, format, context.locale, "axis") },
        data: [],
      },
      ...(model.target === null
        ? []
        : [{
            ...arc,
            id: "target",
            silent: true,
            z: 4,
            title: { show: false },
            detail: { show: false },
            axisLabel: { show: false },
            progress: { show: false },
            axisLine: { show: false },
            pointer: { show: true, icon: "rect", width: 3, length: width + 8, offsetCenter: [0, -(radius - width - 4)], itemStyle: { color: context.theme.text, borderColor: context.theme.card, borderWidth: 1 } },
            data: [{ value: Math.min(max, Math.max(min, model.target)) }],
          }]),
    ],
  };
  return {
    option,
    trigger: "item",
    legend: [],
    tooltip: () => null,
    summary: strings.summaryGauge(widget.title, model.fullText, say(min), say(max), targetText),
    table: {
      columns: [{ label: strings.value, numeric: false }, { label: "", numeric: true }],
      rows: [
        [columnOf(result, "measure") ? strings.metrics[widget.query.metric] ?? strings.value : strings.value, formatValue(numberIn(result.rows[0], columnOf(result, "measure")?.name), format, context.locale)],
        ...(model.target === null ? [] : [[targetName, targetText]]),
        ...(delta ? [[strings.previous, delta.previousText]] : []),
      ],
    },
    hit: () => null,
  };
}

/** Braces begin a style in a text with styles. */
function braceless(text: string): string {
  return text.replace(/[{}|]/g, " ");
}

/** The bands as ECharts takes them: the end of each, 0…1, and its colour. */
function stops(model: GaugeModel, part: (at: number) => number): readonly (readonly [number, string])[] {
  return model.bands.map((band, index) => [part(model.bands[index + 1]?.from ?? model.max), band.color]);
}
