import { withAlpha } from "../color";
import { bucketRange, type Picked } from "../drill";
import { formatChange, formatOf, formatShare, formatValue } from "../format";
import { isAdditive, otherKey, seriesModel, type Series, type SeriesModel } from "../result";
import { strings } from "../strings";
import { axisTime, bucketTime } from "../time";
import type { QueryResult, QueryWidget, ValueFormat } from "../types";
import { gridBelow, stackedEnds, timeAxis, valueAxis } from "./axes";
import { colorOf, motion, textStyle, visible, type ChartContext, type ChartOption, type ChartView, type LegendItem, type TooltipRow } from "./chart";

export const previousKey = "\u0000previous";

/** Area, line and bar over time, one mark per series; the previous period as a dashed line behind. */
export function timeseriesView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const model = seriesModel(widget, result);
  const format = formatOf(widget);
  const colors = seriesColors(widget, model, context);
  const bars = widget.chart === "bar" || widget.chart === "stacked_bar";
  const stacked = model.series.length > 1 && (widget.options?.stacked ?? (widget.chart === "stacked_bar" || bars));
  const shown = model.series.filter((series) => !context.hidden.has(series.key));
  const previousShown = model.previous !== null && !context.hidden.has(previousKey);
  const labels = model.times.map((time) => axisTime(time, model.granularity, context));
  const previousName = widget.query.compare === "previous_year" ? strings.previousYear : strings.previousPeriod;

  // Beside an earlier period the widget's title would name both lines.
  const nameOf = (series: Series) => (model.previous ? strings.currentPeriod : series.name);

  const heights = stacked ? stackedEnds(shown) : shown.flatMap((series) => series.values);
  const values = [...heights, ...(previousShown && model.previous ? model.previous.values : [])].filter((value): value is number => value !== null);
  const yAxis = valueAxis(values, format, widget.query.metric.startsWith("count"), context);
  const option: ChartOption = {
    ...motion(context),
    textStyle: textStyle(context),
    grid: gridBelow(yAxis),
    xAxis: timeAxis(labels, model, bars, context),
    yAxis,
    series: [
      ...(previousShown && model.previous ? [previousSeries(model.previous.values, context)] : []),
      ...model.series.flatMap((series, index) =>
        context.hidden.has(series.key) ? [] : marks(widget, series, index, model, stacked, bars, colors[index] ?? context.theme.primary, context),
      ),
    ],
  };

  const legend: LegendItem[] =
    widget.options?.show_legend === false
      ? []
      : [
          ...(model.series.length > 1 || model.previous
            ? model.series.map((series, index) => ({
                key: series.key,
                name: nameOf(series),
                color: colors[index] ?? context.theme.primary,
                dashed: false,
                hidden: context.hidden.has(series.key),
              }))
            : []),
          ...(model.previous
            ? [{ key: previousKey, name: previousName, color: context.theme.muted, dashed: true, hidden: context.hidden.has(previousKey) }]
            : []),
        ];

  // Parts of a whole have shares; averages beside each other have none.
  const shownTotal = (index: number) => (shown.length > 1 && isAdditive(widget) ? shown.reduce((sum, series) => sum + (series.values[index] ?? 0), 0) : 0);
  const say = (value: number | null | undefined) => formatValue(value, format, context.locale, "cell");
  return {
    option,
    trigger: "axis",
    pointer: bars ? "shadow" : "line",
    ...(model.dimension === null ? { clickAxis: "x" as const } : {}),
    legend,
    ...(model.dimension !== null && result.meta.truncated === true && !model.series.some((series) => series.key === otherKey)
      ? { hint: strings.cut(model.series.length) }
      : {}),
    tooltip(index) {
      const time = model.times[index];
      if (time === undefined) return null;
      const partial = model.lastIsPartial && index === model.times.length - 1;
      const rows: TooltipRow[] = model.series
        .map((series, position) => ({ series, color: colors[position] ?? context.theme.primary }))
        .filter(({ series }) => !context.hidden.has(series.key))
        .map(({ series, color }) => ({ color, name: nameOf(series), value: say(series.values[index]), sort: series.values[index] ?? -Infinity, rest: Number(series.key === otherKey) }))
        .sort((a, b) => a.rest - b.rest || b.sort - a.sort)
        .map(({ color, name, value, sort }) => ({ color, name, value, ...shareNote(sort, shownTotal(index), context) }));
      if (previousShown && model.previous) {
        const when = model.previous.times[index];
        rows.push({
          color: context.theme.muted,
          dashed: true,
          name: when === undefined ? previousName : bucketTime(when, model.granularity, context),
          value: say(model.previous.values[index]),
          ...changeNote(model.series[0]?.values[index], model.previous.values[index], context),
        });
      }
      if (stacked && shown.length > 1) {
        rows.push({ color: null, name: strings.total, value: say(shown.reduce((sum, series) => sum + (series.values[index] ?? 0), 0)) });
      }
      const title = bucketTime(time, model.granularity, context);
      return { title: partial ? `${title} (${strings.soFar})` : title, rows };
    },
    summary: summarizeSeries(widget, model, format, context),
    table: {
      columns: [
        { label: strings.time, numeric: false },
        ...model.series.map((series) => ({ label: nameOf(series), numeric: true })),
        ...(model.previous ? [{ label: previousName, numeric: true }] : []),
      ],
      rows: model.times.map((time, index) => [
        bucketTime(time, model.granularity, context),
        ...model.series.map((series) => say(series.values[index])),
        ...(model.previous ? [say(model.previous.values[index])] : []),
      ]),
    },
    hit: (seriesId, index) => seriesHit(widget, result, model, seriesId, index),
    ...(model.dimension === null
      ? {}
      : {
          cellHit: (row: number, column: number) => {
            if (column === 0) return seriesHit(widget, result, { ...model, dimension: null }, undefined, row);
            const series = model.series[column - 1];
            return series === undefined ? null : seriesHit(widget, result, model, `s:${series.key}`, row);
          },
        }),
  };
}

/** A mark of a group means its value in that bucket, a bucket of one series the bucket. */
export function seriesHit(widget: QueryWidget, result: QueryResult, model: SeriesModel, seriesId: string | undefined, index: number): Picked | null {
  const time = model.times[index];
  const range = time === undefined ? {} : { range: bucketRange(result, time) };
  if (model.dimension !== null && seriesId?.startsWith("s:")) {
    const value = seriesId.slice(2);
    return value === otherKey ? null : { dimension: widget.query.group_by ?? model.dimension, value, ...range };
  }
  return time === undefined ? null : range;
}

/** "+12%" beside an earlier value. */
export function changeNote(value: number | null | undefined, before: number | null | undefined, context: ChartContext): { readonly note?: string } {
  if (typeof value !== "number" || typeof before !== "number" || before === 0) return {};
  const percent = ((value - before) / Math.abs(before)) * 100;
  return { note: `${percent < -0.05 ? "−" : percent > 0.05 ? "+" : "±"}${formatChange(percent, context.locale)}` };
}

function shareNote(value: number, total: number, context: ChartContext): { readonly note?: string } {
  return total > 0 && value >= 0 ? { note: formatShare(value / total, context.locale) } : {};
}

export function seriesColors(widget: QueryWidget, model: SeriesModel, context: ChartContext): readonly string[] {
  if (model.dimension === null) return model.series.map(() => visible(widget.options?.color ?? context.theme.primary, context));
  return model.series.map((series, index) => colorOf(context, series.key, index));
}

function marks(
  widget: QueryWidget, series: Series, index: number, model: SeriesModel, stacked: boolean, bars: boolean, color: string, context: ChartContext,
): ChartOption[] {
  const base: ChartOption = {
    id: `s:${series.key}`,
    name: series.name,
    color,
    cursor: context.interactive ? "pointer" : "default",
    ...(stacked ? { stack: "total" } : {}),
    emphasis: { focus: model.series.length > 1 ? "series" : "none" },
    blur: { itemStyle: { opacity: 0.25 }, lineStyle: { opacity: 0.2 }, areaStyle: { opacity: 0.1 } },
  };
  const last = series.values.length - 1;
  if (bars) {
    const top = stacked && index > 0 ? 0 : 3;
    return [
      {
        ...base,
        type: "bar",
        barMaxWidth: 28,
        barCategoryGap: series.values.length > 45 ? "20%" : "32%",
        itemStyle: { borderRadius: stacked ? 0 : [top, top, 0, 0] },
        data: series.values.map((value, position) =>
          position === last && model.lastIsPartial ? { value, itemStyle: { color: withAlpha(color, 0.55) } } : value,
        ),
      },
    ];
  }
  const line: ChartOption = {
    ...base,
    type: "line",
    // Straight by default: a smoothed line invents values between the buckets. `monotone` never overshoots.
    smooth: widget.options?.smooth === true ? 0.2 : false,
    smoothMonotone: "x",
    symbol: "circle",
    symbolSize: 7,
    showSymbol: series.values.length === 1 || isolated(series.values),
    showAllSymbol: false,
    itemStyle: { color, borderColor: context.theme.card, borderWidth: 2 },
    lineStyle: { width: 2, color, cap: "round", join: "round" },
    connectNulls: false,
    triggerLineEvent: model.dimension !== null,
  };
  const area = widget.chart === "area" && (model.series.length === 1 || stacked);
  const split = model.lastIsPartial && last > 0 && !stacked;
  const whole: ChartOption = {
    ...line,
    ...(area ? { areaStyle: areaStyle(color, stacked, context) } : {}),
    data: split ? series.values.map((value, position) => (position === last ? null : value)) : series.values,
  };
  if (!split) return [whole];
  // The running bucket hangs on a dashed line, so that its low value does not read as a drop.
  return [
    whole,
    {
      ...line,
      id: `p:${series.key}`,
      silent: true,
      showSymbol: false,
      lineStyle: { width: 2, color, type: [3, 4], cap: "butt" },
      ...(area ? { areaStyle: areaStyle(color, false, context, 0.5) } : {}),
      data: series.values.map((value, position) => (position >= last - 1 ? value : null)),
    },
  ];
}

function areaStyle(color: string, stacked: boolean, context: ChartContext, strength = 1): ChartOption {
  if (stacked) return { color, opacity: 0.55 };
  const top = (context.theme.mode === "dark" ? 0.28 : 0.18) * strength;
  return {
    color: { type: "linear", x: 0, y: 0, x2: 0, y2: 1, colorStops: [{ offset: 0, color: withAlpha(color, top) }, { offset: 1, color: withAlpha(color, 0.01) }] },
  };
}

/** A lone value between gaps would be invisible on a line. */
function isolated(values: readonly (number | null)[]): boolean {
  return values.some((value, index) => value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null);
}

export function previousSeries(values: readonly (number | null)[], context: ChartContext): ChartOption {
  return {
    id: "previous",
    type: "line",
    silent: true,
    z: 1,
    symbol: "none",
    color: context.theme.muted,
    lineStyle: { width: 1.5, color: withAlpha(context.theme.muted, 0.7), type: [4, 4] },
    data: values,
  };
}

export function summarizeSeries(widget: QueryWidget, model: SeriesModel, format: ValueFormat, context: ChartContext): string {
  const kind = strings.chartKinds[widget.chart] ?? widget.chart;
  const first = model.times[0];
  const last = model.times[model.times.length - 1];
  if (first === undefined || last === undefined) return widget.title;
  const say = (time: string) => bucketTime(time, model.granularity, context);
  const text = strings.summarySeries(widget.title, kind, model.times.length, say(first), say(last));
  if (model.series.length > 1) {
    const top = model.series.slice(0, 3).map((series) => `${series.name} ${formatValue(series.total, format, context.locale)}`).join(", ");
    return `${text} ${strings.summaryGroups(model.series.length)}${isAdditive(widget) ? ` ${strings.summaryTop(top)}` : ""}`;
  }
  const values = (model.series[0]?.values ?? []).filter((value): value is number => value !== null);
  if (values.length === 0) return text;
  const range = [Math.min(...values), Math.max(...values), values[values.length - 1]].map((value) => formatValue(value, format, context.locale));
  return `${text} ${strings.summaryRange(range[0] ?? "", range[1] ?? "", range[2] ?? "")}`;
}
