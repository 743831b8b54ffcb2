import { mix } from "../color";
import { formatOf, formatValue } from "../format";
import { columnOf, measureName, numberIn, numbers } from "../result";
import { strings } from "../strings";
import { weekdayNames } from "../time";
import type { QueryResult, QueryWidget } from "../types";
import { motion, textStyle, visible, widest, type ChartContext, type ChartOption, type ChartView } from "./chart";

const days = [1, 2, 3, 4, 5, 6, 7];
const hours = Array.from({ length: 24 }, (_unused, hour) => hour);

/** Hours of the day across, days of the week from Monday down, each cell as strong as its value. */
export function heatmapView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const measure = columnOf(result, "measure")?.name ?? "value";
  const format = formatOf(widget);
  const values = new Map(result.rows.map((row) => [`${numberIn(row, "weekday")}/${numberIn(row, "hour")}`, numberIn(row, measure)]));
  const cells = days.flatMap((day) => hours.map((hour) => ({ day, hour, value: values.get(`${day}/${hour}`) ?? null })));
  const known = numbers(cells.map((cell) => cell.value));
  const low = Math.min(0, ...known);
  const high = Math.max(...known, low);
  const say = (value: number | null) => formatValue(value, format, context.locale);
  const short = weekdayNames(context.locale, "short");
  const long = weekdayNames(context.locale, "long");
  const when = (cell: { day: number; hour: number }) => `${long[cell.day - 1] ?? ""}, ${span(cell.hour)}`;
  const full = cells.filter((cell): cell is { day: number; hour: number; value: number } => cell.value !== null);
  const top = full.reduce<{ day: number; hour: number; value: number } | null>((best, cell) => (best && best.value >= cell.value ? best : cell), null);
  const bottom = full.reduce<{ day: number; hour: number; value: number } | null>((best, cell) => (best && best.value <= cell.value ? best : cell), null);
  const color = visible(widget.options?.color ?? context.theme.primary, context);
  const dayWidth = widest(context, short, 12);
  // A label needs the room of its text; every third hour at least.
  const step = [1, 2, 3, 6].find((every) => ((context.width - dayWidth - 20) / 24) * every >= 34) ?? 6;
  const axis = { type: "category", axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false }, axisPointer: { show: false } };
  const ramp = [mix(color, context.theme.card, 0.9), mix(color, context.theme.card, 0.55), color, mix(color, context.theme.text, 0.38)];
  const option: ChartOption = {
    ...motion(context),
    textStyle: textStyle(context),
    grid: { outerBoundsMode: "none", left: dayWidth + 12, right: 2, top: 0, bottom: 58 },
    xAxis: {
      ...axis,
      data: hours.map((hour) => pad(hour)),
      axisLabel: { ...textStyle(context), margin: 8, interval: (index: number) => index % step === 0 },
      // What has no value is a grey cell.
      splitArea: { show: known.length < cells.length, areaStyle: { color: [context.theme.track] } },
    },
    yAxis: { ...axis, inverse: true, data: short, axisLabel: { ...textStyle(context), margin: 10, interval: 0 } },
    visualMap: {
      type: "continuous",
      min: low,
      max: high > low ? high : low + 1,
      dimension: 2,
      orient: "horizontal",
      left: "center",
      bottom: 0,
      itemWidth: 10,
      itemHeight: Math.min(180, Math.max(80, context.width * 0.3)),
      padding: 0,
      text: [formatValue(high, format, context.locale, "headline"), formatValue(low, format, context.locale, "headline")],
      textGap: 8,
      textStyle: textStyle(context),
      inRange: { color: ramp },
      calculable: false,
      hoverLink: false,
    },
    series: [
      {
        id: "s:",
        type: "heatmap",
        cursor: context.interactive ? "pointer" : "default",
        itemStyle: { borderColor: context.theme.card, borderWidth: context.width < 420 ? 1 : 2, borderRadius: 3 },
        emphasis: { itemStyle: { borderColor: context.theme.text, borderWidth: 1.5 } },
        data: cells.map((cell, index) => ({ value: [cell.hour, cell.day - 1, cell.value ?? "-"], index })),
      },
    ],
  };
  const hitOf = (cell: { day: number; hour: number } | undefined) =>
    cell ? { dimension: "weekday", value: String(cell.day), secondDimension: "hour", secondValue: String(cell.hour) } : null;
  return {
    option,
    trigger: "item",
    legend: [],
    tooltip(index) {
      const cell = cells[index];
      const name = strings.metrics[widget.query.metric] ?? measureName(widget);
      return cell ? { title: when(cell), rows: [{ color: null, name, value: say(cell.value) }] } : null;
    },
    summary: top && bottom ? strings.summaryHeatmap(widget.title, say(top.value), when(top), say(bottom.value), when(bottom)) : widget.title,
    table: {
      columns: [{ label: strings.hour, numeric: false }, ...short.map((label) => ({ label, numeric: true }))],
      rows: hours.map((hour) => [span(hour), ...days.map((day) => say(values.get(`${day}/${hour}`) ?? null))]),
    },
    hit: (_seriesId, index) => hitOf(cells[index]),
    cellHit: (row, column) => (column === 0 ? null : hitOf(cells[(column - 1) * 24 + row])),
  };
}

function pad(hour: number): string {
  return String(hour).padStart(2, "0");
}

function span(hour: number): string {
  return `${pad(hour)}:00–${pad(hour + 1)}:00`;
}
