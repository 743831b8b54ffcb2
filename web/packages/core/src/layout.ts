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
export const mediumWidth = 860;
export const narrowWidth = 480;

export function gridSize(width: number): GridSize {
  return width <= narrowWidth ? "narrow" : width < mediumWidth ? "medium" : "wide";
}

/** Reading order: by row, then by column. */
export function readingOrder(widgets: readonly WidgetConfig[]): readonly WidgetConfig[] {
  return [...widgets].sort((a, b) => a.position.y - b.position.y || a.position.x - b.position.x);
}

/** Where each widget stands: as the author placed it on 12 columns, re-flowed without gaps on 6, one below the other on 1. */
export function layout(widgets: readonly WidgetConfig[], size: GridSize): readonly Placement[] {
  const ordered = readingOrder(widgets);
  if (size === "wide") {
    const shift = emptyRows(ordered);
    return ordered.map(({ id, position }) => ({
      id,
      column: clamp(position.x, 0, 11) + 1,
      row: Math.max(0, position.y) - shift(Math.max(0, position.y)) + 1,
      columns: clamp(position.w, 1, 12 - clamp(position.x, 0, 11)),
      rows: Math.max(1, position.h),
    }));
  }
  if (size === "narrow") {
    let row = 1;
    return ordered.map(({ id }) => ({ id, column: 1, row: row++, columns: 1, rows: 1 }));
  }
  return flow(ordered);
}

/** How many rows above a given one hold nothing, as when a session hides all widgets of a row: they are closed up. */
function emptyRows(widgets: readonly WidgetConfig[]): (row: number) => number {
  const taken = new Set<number>();
  for (const { position } of widgets) {
    for (let row = Math.max(0, position.y); row < Math.max(0, position.y) + Math.max(1, position.h); row += 1) taken.add(row);
  }
  return (row) => {
    let empty = 0;
    for (let above = 0; above < row; above += 1) if (!taken.has(above)) empty += 1;
    return empty;
  };
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
