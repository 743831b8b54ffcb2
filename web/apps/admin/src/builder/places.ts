import { arrange, fit, gridColumns, type Positions } from "@emban/core";
import type { DraftConfig, DraftWidget } from "../api/types";

export function positionsOf(widgets: readonly DraftWidget[]): Positions {
  return Object.fromEntries(widgets.map(({ id, position }) => [id, fit(position)]));
}

export function withPositions(config: DraftConfig, positions: Positions): DraftConfig {
  return { ...config, widgets: (config.widgets ?? []).map((widget) => ({ ...widget, position: positions[widget.id] ?? widget.position })) };
}

/** The first place, from the top, where a widget of this size fits without moving another. */
export function freePlace(widgets: readonly DraftWidget[], w: number, h: number): DraftWidget["position"] {
  const boxes = widgets.map(({ position }) => position);
  const bottom = Math.max(0, ...boxes.map((box) => box.y + box.h));
  for (let y = 0; y <= bottom; y += 1) {
    for (let x = 0; x + w <= gridColumns; x += 1) {
      if (!boxes.some((box) => x < box.x + box.w && box.x < x + w && y < box.y + box.h && box.y < y + h)) return { x, y, w, h };
    }
  }
  return { x: 0, y: bottom, w, h };
}

/**
 * A name that nothing among `taken` has. Once a version was published, none that something removed may have had either: sessions and viewers' own
 * layouts go on naming that.
 */
export function freeId(prefix: string, taken: readonly { readonly id: string }[], wasPublished = false): string {
  const ids = new Set(taken.map(({ id }) => id));
  for (let number = taken.length + 1; ; number += 1) {
    const id = `${prefix}${number}${wasPublished ? `_${Math.random().toString(36).slice(2, 8)}` : ""}`;
    if (!ids.has(id)) return id;
  }
}

/** One widget put into `box`, with the others making way, as when it is dragged there. */
export function moved(config: DraftConfig, id: string, box: DraftWidget["position"]): DraftConfig {
  return withPositions(config, arrange(positionsOf(config.widgets ?? []), id, box));
}

/** Who stands before a widget in reading order, or else after it: where the focus goes when it goes. */
export function neighbour(widgets: readonly DraftWidget[], id: string): string | null {
  const ordered = [...widgets].sort((one, other) => one.position.y - other.position.y || one.position.x - other.position.x);
  const index = ordered.findIndex((one) => one.id === id);
  return (ordered[index - 1] ?? ordered[index + 1])?.id ?? null;
}
