import { withAlpha } from "../color";
import { formatOf, formatValue, metricName, secondFormatOf, secondName } from "../format";
import { numbers, seriesModel } from "../result";
import { strings } from "../strings";
import { axisTime, bucketTime } from "../time";
import type { QueryResult, QueryWidget } from "../types";
import { gridBelow, timeAxis, valueAxis } from "./axes";
import { motion, secondColor, textStyle, visible, type ChartContext, type ChartView, type LegendItem, type TooltipRow } from "./chart";
import { changeNote, previousKey, previousSeries, seriesHit, summarizeSeries } from "./timeseries";

const firstKey = "first";
const secondKey = "second";

/** Two metrics over the same time: bars on the left axis, a line on the right one, which share their grid lines. */
export function dualAxisView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const model = seriesModel(widget, result);
  const formats = { first: formatOf(widget), second: secondFormatOf(widget) };
  const names = { first: metricName(widget.query.metric, widget.query.numeric_prop), second: secondName(widget) };
  const first = model.series[0]?.values ?? [];
  const second = model.second ?? [];
  const color = visible(widget.options?.color ?? context.theme.primary, context);
  const colors = { first: color, second: secondColor(color, context) };
  const { previous } = model;
  const shows = (key: string) => !context.hidden.has(key);
  const labels = model.times.map((time) => axisTime(time, model.granularity, context));
  const last = model.times.length - 1;
  const partial = (index: number) => model.lastIsPartial && index === last;
  const previousName = widget.query.compare === "previous_year" ? strings.previousYear : strings.previousPeriod;

  const left = valueAxis([...numbers(first), ...(previous && shows(previousKey) ? numbers(previous.values) : [])], formats.first, widget.query.metric.startsWith("count"), context);
  const right = valueAxis(numbers(second), formats.second, (widget.query.second_metric ?? "").startsWith("count"), context);
  const name = right["nameTextStyle"] as object | undefined;
  const grid = gridBelow(left, right);
  const legend: LegendItem[] = [
    { key: firstKey, name: names.first, color: colors.first, dashed: false, hidden: !shows(firstKey) },
    { key: secondKey, name: names.second, color: colors.second, dashed: false, hidden: !shows(secondKey) },
    ...(previous ? [{ key: previousKey, name: previousName, color: context.theme.muted, dashed: true, hidden: !shows(previousKey) }] : []),
  ];
  const say = (value: number | null | undefined, which: "first" | "second") => formatValue(value, formats[which], context.locale);
  return {
    option: {
      ...motion(context),
      textStyle: textStyle(context),
      grid,
      xAxis: timeAxis(labels, model, true, context),
      yAxis: [
        left,
        // As many steps as on the left, so that both scales have the same lines.
        { ...right, ...aligned(left, right), position: "right", splitLine: { show: false }, ...(name ? { nameTextStyle: { ...name, align: "right" } } : {}) },
      ],
      series: [
        ...(previous && shows(previousKey) ? [previousSeries(previous.values, context)] : []),
        ...(shows(firstKey)
          ? [
              {
                id: `s:${firstKey}`,
                name: names.first,
                type: "bar",
                color: colors.first,
                barMaxWidth: 28,
                barCategoryGap: first.length > 45 ? "20%" : "32%",
                cursor: context.interactive ? "pointer" : "default",
                itemStyle: { borderRadius: [3, 3, 0, 0], opacity: 0.9 },
                data: first.map((value, index) => (partial(index) ? { value, itemStyle: { color: withAlpha(colors.first, 0.5) } } : value)),
              },
            ]
          : []),
        ...(shows(secondKey)
          ? [
              {
                id: `s:${secondKey}`,
                name: names.second,
                type: "line",
                yAxisIndex: 1,
                z: 3,
                color: colors.second,
                symbol: "circle",
                symbolSize: 7,
                showSymbol: second.length < 3,
                itemStyle: { color: colors.second, borderColor: context.theme.card, borderWidth: 2 },
                lineStyle: { width: 2.5, color: colors.second, cap: "round", join: "round" },
                data: second,
              },
            ]
          : []),
      ],
    },
    trigger: "axis",
    pointer: "shadow",
    clickAxis: "x",
    legend: widget.options?.show_legend === false ? [] : legend,
    tooltip(index) {
      const time = model.times[index];
      if (time === undefined) return null;
      const rows: TooltipRow[] = [
        ...(shows(firstKey) ? [{ color: colors.first, name: names.first, value: say(first[index], "first") }] : []),
        ...(shows(secondKey) ? [{ color: colors.second, name: names.second, value: say(second[index], "second") }] : []),
        ...(previous && shows(previousKey)
          ? [{ color: context.theme.muted, dashed: true, name: previousName, value: say(previous.values[index], "first"), ...changeNote(first[index], previous.values[index], context) }]
          : []),
      ];
      const title = bucketTime(time, model.granularity, context);
      return { title: partial(index) ? `${title} (${strings.soFar})` : title, rows };
    },
    summary: [
      summarizeSeries(widget, model, formats.first, context),
      ...(numbers(second).length > 0 ? [strings.summarySecond(names.second, say(Math.min(...numbers(second)), "second"), say(Math.max(...numbers(second)), "second"))] : []),
    ].join(" "),
    table: {
      columns: [
        { label: strings.time, numeric: false },
        { label: names.first, numeric: true },
        { label: names.second, numeric: true },
        ...(previous ? [{ label: previousName, numeric: true }] : []),
      ],
      rows: model.times.map((time, index) => [
        bucketTime(time, model.granularity, context), say(first[index], "first"), say(second[index], "second"), ...(previous ? [say(previous.values[index], "first")] : []),
      ]),
    },
    hit: (_seriesId, index) => seriesHit(widget, result, model, undefined, index),
  };
}

/** The right axis stretched until its zero and its steps lie on those of the left one. */
function aligned(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): { min: number; max: number; interval: number } {
  const [a, b] = [left, right].map((axis) => {
    const [min, max, interval] = [axis["min"], axis["max"], axis["interval"]].map(Number) as [number, number, number];
    return { min, max, interval, below: Math.round(-min / interval), above: Math.round(max / interval) };
  }) as [Steps, Steps];
  const steps = a.above + a.below;
  // The next larger round interval whose steps, counted from the left axis' zero, reach both ends.
  for (let power = 10 ** (Math.floor(Math.log10(b.interval)) - 1), round = 0; round < 12; round += 1) {
    for (const factor of [1, 2, 2.5, 4, 5]) {
      const interval = factor * power;
      if (interval >= (b.max - b.min) / (steps * 2) && interval * a.above >= b.max - 1e-9 && interval * a.below >= -b.min - 1e-9) {
        return { min: -a.below * interval, max: a.above * interval, interval };
      }
    }
    power *= 10;
  }
  return { min: b.min, max: b.max, interval: b.interval };
}

interface Steps {
  readonly min: number;
  readonly max: number;
  readonly interval: number;
  readonly below: number;
  readonly above: number;
}
