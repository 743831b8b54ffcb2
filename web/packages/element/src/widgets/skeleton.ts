import { faceOf, type WidgetConfig } from "@emban/core";
import { h } from "../dom";
import type { ViewContext } from "../context";

/** Grey shapes where the data will stand, in about its size, so that nothing jumps when it arrives. */
export function skeleton(widget: WidgetConfig, context: ViewContext): HTMLElement {
  const box = (...names: string[]) => h("div", { class: ["bone", ...names].join(" ") });
  const lines = (count: number) => Array.from({ length: count }, (_unused, index) => h("div", { class: "bone row", vars: { "--ratio": String(1 - index * 0.09) } }));
  const face = faceOf(widget);
  const count = Math.min(10, widget.query?.limit ?? (context.size === "narrow" ? 6 : 8));
  const inside =
    face === "stat" || face === "progress"
      ? [box("big"), box("small")]
      : face === "list" || face === "table" || face === "pivot" || widget.kind === "breakdown"
        ? lines(count)
        : [h("div", { class: "bone-chart" }, ...Array.from({ length: 16 }, (_unused, index) => h("div", { class: "bone bar", vars: { "--ratio": String(0.35 + 0.4 * Math.abs(Math.sin(index * 0.7))) } })))];
  return h("div", { class: "skeleton", attrs: { "aria-hidden": "true", "data-face": face } }, ...inside);
}
