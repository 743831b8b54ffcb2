import type { Positions, WidgetConfig } from "./types";

type Box = WidgetConfig["position"];

/** Columns of the grid that authors and viewers arrange; the widest and highest that a widget may be. */
export const gridColumns = 12;
const highest = 50;

/** `box` within the grid. */
export function fit(box: Box): Box {
  const w = Math.min(gridColumns, Math.max(1, Math.round(box.w)));
  const h = Math.min(highest, Math.max(1, Math.round(box.h)));
  return { x: Math.min(gridColumns - w, Math.max(0, Math.round(box.x))), y: Math.max(0, Math.round(box.y)), w, h };
}

/**
 * Puts one widget into `box`: what stands there makes way downwards, and then everything moves up as far as it can. No two overlap in
 * the answer; the others keep their sizes, columns and order.
 */
export function arrange(positions: Positions, id: string, box: Box): Positions {
  const wanted = fit(box);
  const others = Object.entries(positions).filter(([other]) => other !== id);
  // From the top; at the same height the one that was moved comes first, so that it gets the place.
  const ordered: [string, Box][] = [...others, [id, wanted]];
  ordered.sort(([oneID, one], [otherID, other]) => one.y - other.y || Number(otherID === id) - Number(oneID === id) || one.x - other.x);
  // As high as what came before it in its columns lets it.
  const heights = new Array<number>(gridColumns).fill(0);
  const placed = ordered.map(([key, own]): [string, Box] => {
    const y = Math.max(...heights.slice(own.x, own.x + own.w));
    heights.fill(y + own.h, own.x, own.x + own.w);
    return [key, { ...own, y }];
  });
  return Object.fromEntries(placed);
}

/** Places without holes or overlaps, for `positions` of whatever origin. */
export function compact(positions: Positions): Positions {
  const [first] = Object.keys(positions);
  const box = first === undefined ? undefined : positions[first];
  return first === undefined || !box ? positions : arrange(Object.fromEntries(Object.entries(positions).map(([id, other]) => [id, fit(other)])), first, box);
}
