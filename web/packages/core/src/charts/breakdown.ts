import { formatShare, formatValue, secondFormatOf } from "../format";
import { breakdownModel, numbers, signedChange, type BreakdownItem, type BreakdownModel } from "../result";
import { strings } from "../strings";
import type { QueryResult, QueryWidget } from "../types";
import { barColor, barsOption, heightOf, isStanding } from "./bars";
import { colorOf, otherColor, type ChartContext, type ChartOption, type ChartView, type LegendItem, type TooltipRow } from "./chart";
import { donutOption } from "./donut";
import { funnelOption, funnelSteps } from "./funnel";
import { mostAxes, radarOption, spokeAt } from "./radar";
import { scatterOption } from "./scatter";
import { treemapOption } from "./treemap";

/** How one kind of chart shows categories. */
interface Drawing {
  readonly option: ChartOption;
  readonly color: (item: BreakdownItem, index: number) => string;
  readonly legend?: readonly LegendItem[];
  readonly problem?: string;
  readonly hint?: string;
  /** Rows or columns that lie side by side along this axis. */
  readonly along?: "x" | "y";
  readonly wantedHeight?: number;
  /** One web for all values. */
  readonly isWeb?: true;
}

/** Categories as bars, a ring, a funnel, areas, a web or points. */
export function breakdownView(widget: QueryWidget, result: QueryResult, context: ChartContext): ChartView {
  const model = breakdownModel(widget, result, context);
  const drawing = draw(widget, model, context);
  const previous = model.items.some((item) => item.delta !== null);
  const steps = widget.chart === "funnel" ? funnelSteps(model) : null;
  const share = (value: number | null | undefined) => formatShare(value, context.locale);
  const hint = [drawing.hint, model.isCut ? strings.cut(model.items.length) : undefined].filter((text) => text !== undefined).join(" ");
  return {
    option: drawing.option,
    trigger: drawing.along ? "axis" : "item",
    pointer: "shadow",
    ...(drawing.along ? { clickAxis: drawing.along } : {}),
    ...(drawing.wantedHeight ? { wantedHeight: drawing.wantedHeight } : {}),
    ...(drawing.isWeb ? { locate: (x: number, y: number) => spokeAt(Math.min(mostAxes, model.items.length), x, y, context) } : {}),
    legend: drawing.legend ?? [],
    ...(widget.chart === "donut" ? { legendAt: "side" as const } : {}),
    ...(drawing.problem === undefined ? {} : { problem: drawing.problem }),
    ...(hint === "" ? {} : { hint }),
    tooltip(index) {
      if (drawing.isWeb) {
        const rows = model.items.slice(0, mostAxes).map((item) => ({ color: null, name: item.label, value: item.text, ...(item.delta ? { note: changeOf(item) } : {}) }));
        return { title: widget.title, rows };
      }
      const item = model.items[index];
      if (!item) return null;
      const rows: TooltipRow[] = [{ color: drawing.color(item, index), name: model.valueLabel, value: item.text }];
      if (model.hasSecond) rows.push({ color: null, name: model.secondLabel, value: item.secondText });
      if (steps) {
        rows.push({ color: null, name: strings.ofFirstLabel, value: share(steps[index]?.ofFirst) });
        if (index > 0) rows.push({ color: null, name: strings.ofPreviousLabel, value: share(steps[index]?.ofPrevious) });
      } else if (item.share !== null) rows.push({ color: null, name: strings.share, value: item.shareText });
      if (item.delta) rows.push({ color: null, name: strings.previous, value: item.delta.previousText, note: changeOf(item) });
      return { title: item.label, rows };
    },
    summary: summarize(widget, model, context),
    table: {
      columns: [
        { label: model.dimensionLabel, numeric: false },
        { label: model.valueLabel, numeric: true },
        ...(model.hasSecond ? [{ label: model.secondLabel, numeric: true }] : []),
        ...(steps ? [{ label: strings.ofFirstLabel, numeric: true }, { label: strings.ofPreviousLabel, numeric: true }] : []),
        ...(model.hasShare && !steps ? [{ label: strings.share, numeric: true }] : []),
        ...(previous ? [{ label: strings.change, numeric: true }] : []),
      ],
      rows: model.items.map((item, index) => [
        item.label,
        item.text,
        ...(model.hasSecond ? [item.secondText] : []),
        ...(steps ? [share(steps[index]?.ofFirst), share(steps[index]?.ofPrevious)] : []),
        ...(model.hasShare && !steps ? [item.shareText] : []),
        ...(previous ? [changeOf(item)] : []),
      ]),
    },
    hit(_seriesId, index) {
      const item = model.items[index];
      return item && !item.isOther ? { dimension: model.dimension, value: item.key } : null;
    },
  };
}

function draw(widget: QueryWidget, model: BreakdownModel, context: ChartContext): Drawing {
  const own = barColor(widget, context);
  const plain = (item: BreakdownItem) => (item.isOther ? otherColor(context) : own);
  const each = (item: BreakdownItem, index: number) => colorOf(context, item.key, index);
  const nothing = noArea(widget, model);
  switch (widget.chart) {
    case "donut": {
      const legend = model.items.map<LegendItem>((item, index) => ({
        key: item.key, name: item.label, color: each(item, index), dashed: false, hidden: context.hidden.has(item.key), value: item.text,
        ...(item.share === null ? {} : { note: item.shareText }),
      }));
      return nothing === null ? { option: donutOption(widget, model, context), color: each, legend } : { option: {}, color: each, problem: nothing };
    }
    case "treemap":
      return nothing === null ? { option: treemapOption(model, context), color: each } : { option: {}, color: each, problem: nothing };
    case "funnel":
      return nothing === null ? { option: funnelOption(widget, model, context), color: plain, along: "y" } : { option: {}, color: plain, problem: nothing };
    case "radar": {
      if (model.items.some((item) => (item.value ?? 0) < 0)) return { ...bars(widget, model, context), hint: strings.noNegatives(strings.chartKinds["radar"] ?? "") };
      if (model.items.length < 3) return { ...bars(widget, model, context), hint: strings.radarNeedsThree };
      return {
        option: radarOption(widget, model, context), color: () => own, isWeb: true,
        ...(model.items.length > mostAxes ? { hint: strings.radarTooMany(mostAxes) } : {}),
      };
    }
    case "scatter": {
      const lost = model.items.filter((item) => item.value === null || item.second === null).length;
      return { option: scatterOption(widget, model, context), color: plain, ...(lost > 0 ? { hint: strings.incompletePoints(lost) } : {}) };
    }
    default:
      return bars(widget, model, context);
  }
}

function bars(widget: QueryWidget, model: BreakdownModel, context: ChartContext): Drawing {
  const own = barColor(widget, context);
  return { option: barsOption(widget, model, context), wantedHeight: heightOf(widget, model, context), along: isStanding(widget, model, context) ? "x" : "y", color: (item) => (item.isOther ? otherColor(context) : own) };
}

/** Why areas cannot stand for these values: there are none below zero, and of nothing there is nothing to see. */
function noArea(widget: QueryWidget, model: BreakdownModel): string | null {
  const values = numbers(model.items.map((item) => item.value));
  if (values.some((value) => value < 0)) return strings.noNegatives(strings.chartKinds[widget.chart] ?? widget.chart);
  return values.every((value) => value === 0) ? strings.allZero : null;
}

function changeOf(item: BreakdownItem): string {
  return item.delta ? signedChange(item.delta) : strings.noValue;
}

function summarize(widget: QueryWidget, model: BreakdownModel, context: ChartContext): string {
  const named = model.items.filter((item) => !item.isOther);
  const top = named.slice(0, 3).map((item) => `${item.label} ${item.text}${item.share === null ? "" : ` (${item.shareText})`}`).join(", ");
  const kind = strings.chartKinds[widget.chart];
  const head = `${strings.summaryBreakdown(widget.title, model.items.length)}${kind === undefined || widget.chart === "bar" ? "" : ` ${kind.charAt(0).toUpperCase()}${kind.slice(1)}.`}`;
  const second = numbers(model.items.map((item) => item.second));
  const say = (value: number) => formatValue(value, secondFormatOf(widget), context.locale);
  const range = second.length > 0 ? ` ${strings.summarySecond(model.secondLabel, say(Math.min(...second)), say(Math.max(...second)))}` : "";
  return top === "" ? head : `${head} ${strings.summaryTop(top)}${range}`;
}
