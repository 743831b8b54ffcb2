import { clickEffect, drillStrings, isPicked, levelsOf, otherKey, strings, type Delta, type Picked, type WidgetConfig } from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon } from "../dom";

/** A change as arrow, number and colour; the arrow and a hidden word say what the colour says. */
export function deltaBadge(delta: Delta): HTMLElement {
  const word = { up: strings.up, down: strings.down, flat: strings.unchanged }[delta.direction];
  return h("span", { class: `delta ${delta.tone}` }, icon(delta.direction, 12), h("span", { class: "sr" }, `${word} `), delta.text);
}

/** The content of a cell or row that means something when it is clicked: a button that says what it does; else plain text. */
export function pickable(context: ViewContext, widget: WidgetConfig, picked: Picked | null, text: string, name = text): HTMLElement | string {
  const levels = picked ? levelsOf(picked) : [];
  if (!picked || levels.some((level) => level.value === otherKey)) return text;
  const effect = clickEffect(widget, picked, context.controller.published ?? context.config);
  if (effect === null) return text;
  const on = levels.length > 0 && isPicked(context.controller.state, levels);
  const attrs = { type: "button", title: pickTitle(effect, on, name), ...(effect === "filter" ? { "aria-pressed": on ? "true" : "false" } : {}) };
  return h("button", { class: "link", attrs, on: { click: () => context.onPick(widget, picked) } }, text);
}

export function pickTitle(effect: "filter" | "drill" | "tell", on: boolean, name: string): string {
  if (effect === "tell") return name;
  if (effect === "drill") return drillStrings.openValue(name);
  return on ? strings.clearFilterOf(name) : strings.filterBy(name);
}
