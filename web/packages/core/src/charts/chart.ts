import { ensureContrast, hueOf, mix } from "../color";
import type { Picked } from "../drill";
import { otherKey, type Locale } from "../result";
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
  /** Said beside the name where the legend stands at the side. */
  readonly value?: string;
  readonly note?: string;
}

export interface TextTable {
  readonly columns: readonly { readonly label: string; readonly numeric: boolean }[];
  readonly rows: readonly (readonly string[])[];
}

/** One value of a dimension. */
export interface Hit {
  readonly dimension: string;
  readonly value: string;
}

/** All that a face needs to show one chart, drawn or read aloud. */
export interface ChartView {
  readonly option: ChartOption;
  readonly trigger: "axis" | "item";
  /** The pointer over a bucket: a line, or a shadow where bars stand. */
  readonly pointer?: "line" | "shadow";
  /** `index` is the `index` member of a mark's data, else its position. */
  tooltip(index: number): TooltipModel | null;
  readonly legend: readonly LegendItem[];
  /** Where the legend stands when there is room: beside the plot, with its values. */
  readonly legendAt?: "top" | "side";
  /** Height in CSS pixels below which marks cannot be told apart: the plot scrolls then. */
  readonly wantedHeight?: number;
  /** Why the numbers cannot be drawn this way; the face shows the sentence and the table. */
  readonly problem?: string;
  /** What is left out, or drawn in another way. */
  readonly hint?: string;
  /** One or two sentences for people who do not see the chart. */
  readonly summary: string;
  readonly table: TextTable;
  /** What a click on a mark means; null when it means nothing. */
  hit(seriesId: string | undefined, index: number): Picked | null;
  /** The axis of categories: a click anywhere in the plot means the one below or beside the pointer. */
  readonly clickAxis?: "x" | "y";
  /** The mark that a click at this place of the plot means, where ECharts does not say; -1 for none. */
  locate?(x: number, y: number): number;
  /** The same for a cell of the table; absent where the first cell of a row means what `hit` says. */
  cellHit?(row: number, column: number): Picked | null;
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
  if (key === otherKey) return otherColor(context);
  return visible(colorAt(context.theme, context.slots?.get(key) ?? index), context);
}

/** All other groups stand back behind those that have a name. */
export function otherColor(context: ChartContext): string {
  return visible(mix(context.theme.muted, context.theme.card, 0.45), context);
}

/** A colour beside the first one, far from it in hue. */
export function secondColor(first: string, context: ChartContext): string {
  const hue = hueOf(first);
  const distance = (color: string) => {
    const other = hueOf(color);
    if (hue === null || other === null) return 0;
    const gap = Math.abs(hue - other);
    return Math.min(gap, 360 - gap);
  };
  const candidates = context.theme.palette.filter((color) => color !== first);
  return visible(candidates.find((color) => distance(color) > 90) ?? candidates[0] ?? context.theme.muted, context);
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

/** The animations of a change; a first drawing stands at once. */
export function motion(context: ChartContext): ChartOption {
  return { animation: context.animate, animationDuration: 350, animationDurationUpdate: 250, animationEasing: "cubicOut" };
}

/** `text`, cut in its end to fit `width`; the tooltip says the whole. */
export function cut(context: ChartContext, text: string, size: number, width: number): string {
  if (textWidth(context, text, size) <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && textWidth(context, letters.join("") + "…", size) > width) letters.length -= Math.max(1, Math.floor(letters.length / 16));
  return letters.join("").trimEnd() + "…";
}

export function textWidth(context: ChartContext, text: string, size: number): number {
  return context.measure ? context.measure(text, size) : text.length * size * 0.56;
}

export function widest(context: ChartContext, texts: readonly string[], size: number): number {
  return Math.ceil(texts.reduce((widest, text) => Math.max(widest, textWidth(context, text, size)), 0));
}
