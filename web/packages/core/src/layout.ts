import { compact } from "./arrange";
import type { WidgetConfig } from "./types";

/** Grid lines of one widget, from 1 as CSS counts them. */
export interface Placement {
  readonly id: string;
  readonly column: number;
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
}

export type GridSize = "wide" | "medium" | "narrow";

/** Widths of the container, in CSS pixels, below which the grid has 6 columns and 1 column. */
const mediumWidth = 860;
const narrowWidth = 480;

export function gridSize(width: number): GridSize {
  return width <= narrowWidth ? "narrow" : width < mediumWidth ? "medium" : "wide";
}

/** Reading order: by row, then by column. */
function readingOrder(widgets: readonly WidgetConfig[]): readonly WidgetConfig[] {
  return [...widgets].sort((a, b) => a.position.y - b.position.y || a.position.x - b.position.x);
}

/**
 * Where each widget stands: as the author placed it on 12 columns, with holes closed; re-flowed without gaps on 6, one below the other on 1. What
 * viewers have arranged themselves (`isExact`) keeps the holes that they left.
 */
export function layout(widgets: readonly WidgetConfig[], size: GridSize, isExact = false): readonly Placement[] {
  const ordered = readingOrder(widgets);
  if (size === "wide") return isExact ? asPlaced(ordered) : closeGaps(ordered);
  if (size === "narrow") {
    let row = 1;
    return ordered.map(({ id }) => ({ id, column: 1, row: row++, columns: 1, rows: 1 }));
  }
  return flow(ordered);
}

function asPlaced(widgets: readonly WidgetConfig[]): readonly Placement[] {
  const places = compact(Object.fromEntries(widgets.map((widget) => [widget.id, widget.position])));
  return widgets.map(({ id, position }) => {
    const { x, y, w, h } = places[id] ?? position;
    return { id, column: x + 1, row: y + 1, columns: w, rows: h };
  });
}

interface Box {
  readonly id: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

/** No widget becomes more than this many times as wide or high as its author made it. */
const widest = 4;
const highest = 2;

/**
 * The author's places on 12 columns without the holes that widgets hidden by a session leave: band by band, what has something above
 * it no more moves up, and the room that is left goes to the neighbours. Bands stay below each other, so that rows stay in line.
 */
function closeGaps(widgets: readonly WidgetConfig[]): readonly Placement[] {
  const boxes = widgets.map<Box>(({ id, position }) => {
    const x = clamp(position.x, 0, 11);
    return { id, x, y: Math.max(0, position.y), w: clamp(position.w, 1, 12 - x), h: Math.max(1, position.h) };
  });
  let top = 0;
  for (const band of bands(boxes)) {
    if (band.every((box) => box.y === band[0]?.y && box.h === band[0].h)) widen(band);
    const heights = new Array<number>(12).fill(top);
    for (const box of band) {
      box.y = Math.max(...heights.slice(box.x, box.x + box.w));
      heights.fill(box.y + box.h, box.x, box.x + box.w);
    }
    top = Math.max(...heights);
    for (const box of band) {
      const last = heights.slice(box.x, box.x + box.w).every((height) => height === box.y + box.h);
      if (last) box.h = Math.min(top - box.y, box.h * highest);
    }
  }
  return boxes.map(({ id, x, y, w, h }) => ({ id, column: x + 1, row: y + 1, columns: w, rows: h }));
}

/** Groups of widgets that a horizontal line through the whole grid separates, from the top; `boxes` in reading order. */
function bands(boxes: readonly Box[]): readonly Box[][] {
  const found: Box[][] = [];
  let bottom = 0;
  for (const box of boxes) {
    const band = found[found.length - 1];
    if (!band || box.y >= bottom) found.push([box]);
    else band.push(box);
    bottom = Math.max(bottom, box.y + box.h);
  }
  return found;
}

/** Shares out what a row leaves free of its 12 columns, in proportion to the widths. */
function widen(row: readonly Box[]): void {
  const used = row.reduce((sum, box) => sum + box.w, 0);
  if (used >= 12) return;
  const shares = row.map((box) => Math.min((12 * box.w) / used, box.w * widest));
  const widths = shares.map(Math.floor);
  const rest = Math.round(shares.reduce((sum, share) => sum + share, 0)) - widths.reduce((sum, width) => sum + width, 0);
  const byRemainder = shares.map((share, index) => ({ index, remainder: share % 1 })).sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, rest)) widths[index] = (widths[index] ?? 0) + 1;
  let x = 0;
  row.forEach((box, index) => {
    box.x = x;
    box.w = widths[index] ?? box.w;
    x += box.w;
  });
}

/** Fills rows of six columns from left to right; what a row leaves over is shared out among its widgets. */
function flow(widgets: readonly WidgetConfig[]): readonly Placement[] {
  const placements: Placement[] = [];
  let line: { id: string; columns: number; rows: number }[] = [];
  let row = 1;
  const used = () => line.reduce((sum, item) => sum + item.columns, 0);
  const flush = () => {
    for (let next = line.length - 1; used() < 6 && line.length > 0; next = (next + line.length - 1) % line.length) {
      const item = line[next];
      if (item) item.columns += 1;
    }
    const rows = Math.max(0, ...line.map((item) => item.rows));
    let column = 1;
    for (const { id, columns } of line) {
      placements.push({ id, column, row, columns, rows });
      column += columns;
    }
    row += rows;
    line = [];
  };
  for (const widget of widgets) {
    const { w, h } = widget.position;
    const columns = w === 4 && widget.kind === "kpi" ? 2 : w <= 6 ? 3 : 6;
    if (used() + columns > 6) flush();
    line.push({ id: widget.id, columns, rows: Math.max(1, h) });
    if (used() === 6) flush();
  }
  if (line.length > 0) flush();
  return placements;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
