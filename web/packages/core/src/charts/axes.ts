import { axisStep, axisUnit, formatValue } from "../format";
import type { Series, SeriesModel } from "../result";
import { hourOf } from "../time";
import type { ValueFormat } from "../types";
import { labelPositions, niceScale, textStyle, widest, type ChartContext, type ChartOption } from "./chart";

/** Buckets from left to right, labelled as far as there is room. */
export function timeAxis(labels: readonly string[], model: SeriesModel, bars: boolean, context: ChartContext): ChartOption {
  const label = widest(context, labels, 12);
  const plot = Math.max(80, context.width - 64);
  const first = model.times[0];
  const firstHour = model.granularity === "hour" && first !== undefined ? hourOf(first, context) : undefined;
  const positions = new Set(labelPositions(labels.length, Math.max(2, Math.floor(plot / (label + 24))), firstHour));
  // A label too close to the right edge would be cut off.
  const slot = bars ? plot / labels.length : plot / Math.max(1, labels.length - 1);
  for (const position of positions) {
    if (position > 0 && plot - slot * (position + (bars ? 0.5 : 0)) < label / 2 - 10) positions.delete(position);
  }
  return {
    type: "category",
    data: labels,
    boundaryGap: bars || labels.length === 1,
    axisLine: { lineStyle: { color: context.theme.line } },
    axisTick: { show: false },
    axisLabel: {
      ...textStyle(context),
      margin: 12,
      hideOverlap: true,
      interval: (index: number) => positions.has(index),
    },
    axisPointer: { type: bars ? "shadow" : "line" },
  };
}

/** Lowest and highest end of marks that are stacked, those below zero downwards. */
export function stackedEnds(shown: readonly Series[]): readonly number[] {
  const length = Math.max(0, ...shown.map((series) => series.values.length));
  const ends: number[] = [];
  for (let index = 0; index < length; index += 1) {
    const values = shown.map((series) => series.values[index] ?? 0);
    ends.push(values.reduce((sum, value) => sum + Math.max(0, value), 0), values.reduce((sum, value) => sum + Math.min(0, value), 0));
  }
  return ends;
}

/** An axis for `values` on round numbers, from zero; where only places matter and no lengths, it may start `nearby`. */
export function valueAxis(
  values: readonly number[], format: ValueFormat, integers: boolean, context: ChartContext, wantedSteps?: number, nearby = false,
): ChartOption {
  const high = Math.max(0, ...values);
  const lowest = Math.min(...values, high);
  const low = nearby && values.length > 1 && lowest > high * 0.5 && lowest < high ? lowest : Math.min(0, lowest);
  const wanted = wantedSteps ?? (context.height < 150 ? 2 : context.height < 340 ? 4 : 5);
  const unit = axisStep(Math.max(high, -low), format);
  const steps = niceScale(low / unit, high === 0 && low === 0 ? 1 : high / unit, wanted, integers);
  const name = axisUnit(format);
  return {
    type: "value",
    min: steps.min * unit,
    max: steps.max * unit,
    interval: steps.interval * unit,
    ...(name === "" ? {} : { name, nameLocation: "end", nameGap: 10, nameTextStyle: { ...textStyle(context), align: "left", padding: 0 } }),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...textStyle(context), margin: 12, formatter: (value: number) => formatValue(value, format, context.locale, "axis") },
    splitLine: { lineStyle: { color: context.theme.line, width: 1 } },
    axisPointer: { show: false },
  };
}

/** The plot below the axes' names, if they have any. */
export function gridBelow(...axes: readonly ChartOption[]): ChartOption {
  return { left: 2, right: 10, top: axes.some((axis) => axis["name"] !== undefined) ? 30 : 12, bottom: 4, containLabel: true };
}
