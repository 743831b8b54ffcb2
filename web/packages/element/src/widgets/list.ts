import { breakdownModel, clickEffect, strings, typicalPick, type QueryResult, type QueryWidget } from "@emban/core";
import { selectedValues, type ViewContext } from "../context";
import { h, replace } from "../dom";
import type { WidgetFace } from "./face";
import { ScrollHint } from "./scroll-hint";
import { deltaBadge, pickTitle } from "./value";

/** Top values as rows with a bar behind the label, as in a list of pages or countries. */
export class ListFace implements WidgetFace {
  readonly element = h("div", { class: "list", attrs: { role: "list" } });
  private readonly hint = new ScrollHint(this.element);

  constructor(private readonly widget: QueryWidget) {}

  show(result: QueryResult, context: ViewContext): void {
    const model = breakdownModel(this.widget, result, context);
    const effect = clickEffect(this.widget, typicalPick(this.widget), context.controller.published ?? context.config);
    const selected = selectedValues(context, model.dimension);
    this.element.setAttribute("aria-label", this.widget.title);
    replace(
      this.element,
      ...model.items.map((item) => {
        const on = selected.has(item.key);
        const label = h("span", { class: "list-label", attrs: { title: item.label } }, item.label);
        const bar = h("span", { class: "list-bar", vars: { "--ratio": String(item.ratio) } });
        const head = effect !== null && !item.isOther
          ? h(
              "button",
              {
                class: "list-head",
                attrs: { type: "button", title: pickTitle(effect, on, item.label), ...(effect === "filter" ? { "aria-pressed": on ? "true" : "false" } : {}) },
                on: { click: () => context.onPick(this.widget, { dimension: model.dimension, value: item.key }) },
              },
              bar,
              label,
            )
          : h("span", { class: "list-head" }, bar, label);
        return h(
          "div",
          { class: `list-row${selected.size > 0 && !on ? " faded" : ""}${item.isOther ? " other" : ""}`, attrs: { role: "listitem" } },
          head,
          item.delta && context.size !== "narrow" && deltaBadge(item.delta),
          h("span", { class: "list-value" }, item.text),
          model.hasSecond && h("span", { class: "list-share", attrs: { title: model.secondLabel } }, item.secondText),
          model.hasShare && h("span", { class: "list-share" }, item.shareText),
        );
      }),
      model.isCut && h("div", { class: "cut", attrs: { role: "listitem" } }, strings.cut(model.items.length)),
    );
    this.hint.update();
  }

  destroy(): void {
    this.hint.destroy();
  }
}
