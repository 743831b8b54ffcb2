import { strings, type Delta } from "@emban/core";
import { h, icon } from "../dom";

/** A change as arrow, number and colour; the arrow and a hidden word say what the colour says. */
export function deltaBadge(delta: Delta): HTMLElement {
  const word = { up: strings.up, down: strings.down, flat: strings.unchanged }[delta.direction];
  return h("span", { class: `delta ${delta.tone}` }, icon(delta.direction, 12), h("span", { class: "sr" }, `${word} `), delta.text);
}
