import { fit, gridColumns, type Positions } from "@emban/core";
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

export function freeId(prefix: string, taken: readonly { readonly id: string }[]): string {
  const ids = new Set(taken.map(({ id }) => id));
  for (let number = taken.length + 1; ; number += 1) if (!ids.has(`${prefix}${number}`)) return `${prefix}${number}`;
}

/** Who stands before a widget in reading order, or else after it: where the focus goes when it goes. */
export function neighbour(widgets: readonly DraftWidget[], id: string): string | null {
  const ordered = [...widgets].sort((one, other) => one.position.y - other.position.y || one.position.x - other.position.x);
  const index = ordered.findIndex((one) => one.id === id);
  return (ordered[index - 1] ?? ordered[index + 1])?.id ?? null;
}
