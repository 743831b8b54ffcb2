import { ensureContrast, mix } from "../color";
import type { Locale } from "../result";
import type { ResolvedTheme } from "../theme";

/** Plain data in the form Apache ECharts takes; the only functions in it are axis label formatters, which need no DOM. */
export type ChartOption = Record<string, unknown>;

export interface ChartContext extends Locale {
  readonly theme: ResolvedTheme;
  /** Size of the plot in CSS pixels: decides how many labels fit. */
  readonly width: number;
  readonly height: number;
  readonly animate: boolean;
  /** Keys of series the viewer switched off. */
  readonly hidden: ReadonlySet<string>;
  /** Values of the widget's dimension that the dashboard is filtered by. */
  readonly selected: ReadonlySet<string>;
  /** Place in the palette of each value, from `ColorSlots`; by position where absent, as for a picture drawn once. */
  readonly slots?: ReadonlyMap<string, number>;
  /** A click on a mark has an effect. */
  readonly interactive: boolean;
  readonly fontFamily: string;
  /** Width of a text in CSS pixels; estimated from its length where nothing can measure. */
  readonly measure?: (text: string, size: number) => number;
}

export interface TooltipRow {
  readonly color: string | null;
  readonly dashed?: boolean;
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

/** A tooltip's content as text; whoever shows it must set it as text, never as markup. */
export interface TooltipModel {
  readonly title: string;
  readonly rows: readonly TooltipRow[];
}

export interface LegendItem {
  readonly key: string;
  readonly name: string;
  readonly color: string;
  readonly dashed: boolean;
  readonly hidden: boolean;
}

export interface TextTable {
  readonly columns: readonly { readonly label: string; readonly numeric: boolean }[];
  readonly rows: readonly (readonly string[])[];
}

export interface Hit {
  readonly dimension: string;
  readonly value: string;
}

/** All that a face needs to show one chart, drawn or read aloud. */
export interface ChartView {
  readonly option: ChartOption;
  readonly trigger: "axis" | "item";
  tooltip(index: number): TooltipModel | null;
  readonly legend: readonly LegendItem[];
  /** One or two sentences for people who do not see the chart. */
  readonly summary: string;
  readonly table: TextTable;
  /** What a click on a mark means; null when it means nothing. */
  hit(seriesId: string | undefined, index: number): Hit | null;
}

/** A palette is used as it is, then paler, then stronger: so many colours can be told apart. */
export function colorCount(theme: ResolvedTheme): number {
  return theme.palette.length * 3;
}

export function colorAt(theme: ResolvedTheme, slot: number): string {
  const color = theme.palette[slot % theme.palette.length] ?? "#64748b";
  const round = Math.floor(slot / theme.palette.length) % 3;
  return round === 0 ? color : round === 1 ? mix(color, theme.card, 0.42) : mix(color, theme.text, 0.4);
}

/** The colour of the value `key`, which stands at `index` in this chart. */
export function colorOf(context: ChartContext, key: string, index: number): string {
  return visible(colorAt(context.theme, context.slots?.get(key) ?? index), context);
}

/** `color`, strong enough to be seen on the card. */
export function visible(color: string, context: ChartContext): string {
  return ensureContrast(color, context.theme.card, context.theme.mode === "dark" ? 3.2 : 2);
}

export function textStyle(context: ChartContext): ChartOption {
  return { fontFamily: context.fontFamily, fontSize: 12, color: context.theme.muted };
}

/**
 * Axis bounds and interval on round numbers: steps of 1, 2, 2.5 or 5 times a power of ten, about `wanted` of them, chosen so that
 * little of the plot stays empty above the highest value.
 */
export function niceScale(low: number, high: number, wanted: number, integers: boolean): { min: number; max: number; interval: number } {
  const span = Math.max(high - low, 0) || Math.abs(high) || 1;
  let best: { min: number; max: number; interval: number; cost: number } | null = null;
  for (let count = Math.max(1, wanted - 2); count <= wanted + 2; count += 1) {
    const rough = span / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    let interval = ([1, 2, 2.5, 5, 10].find((step) => step * power >= rough * 0.999) ?? 10) * power;
    if (integers) interval = Math.max(1, Math.ceil(interval));
    const min = Math.floor(low / interval + 1e-9) * interval;
    const max = Math.max(Math.ceil(high / interval - 1e-9) * interval, min + interval);
    const cost = (max - min - span) / span + 0.08 * Math.abs((max - min) / interval - wanted);
    if (!best || cost < best.cost - 1e-9) best = { min, max, interval, cost };
  }
  return { min: best?.min ?? 0, max: best?.max ?? 1, interval: best?.interval ?? 1 };
}

const plainSteps = [1, 2, 3, 4, 5, 6, 7, 10, 12, 14, 15, 20, 24, 28, 30, 48, 60, 72, 90, 120];
const hourSteps = [1, 2, 3, 4, 6, 12, 24, 48, 72, 168];

/**
 * Positions of at most `room` labels out of `count`, evenly spread. Given the hour of the first one, they fall on round hours, midnight
 * among them; otherwise they start at the first.
 */
export function labelPositions(count: number, room: number, firstHour?: number): ReadonlySet<number> {
  const positions = new Set<number>();
  if (count === 0) return positions;
  const steps = firstHour === undefined ? plainSteps : hourSteps;
  const step = steps.find((candidate) => Math.ceil(count / candidate) <= Math.max(1, room)) ?? Math.ceil(count / Math.max(1, room));
  const cycle = Math.min(step, 24);
  const offset = firstHour === undefined ? 0 : (cycle - (firstHour % cycle)) % cycle;
  for (let index = offset; index < count; index += step) positions.add(index);
  return positions;
}

function textWidth(context: ChartContext, text: string, size: number): number {
  return context.measure ? context.measure(text, size) : text.length * size * 0.56;
}

export function widest(context: ChartContext, texts: readonly string[], size: number): number {
  return Math.ceil(texts.reduce((widest, text) => Math.max(widest, textWidth(context, text, size)), 0));
}
