import { hasActiveFilters, humanize, labelOf, spanText, strings, type Action, type ViewState } from "@emban/core";
import { dimensionLabel, type ViewContext } from "../context";
import { h, icon, replace } from "../dom";
import { rangeText } from "./range";

/** What the dashboard is filtered by, each removable, and all at once. */
export class Chips {
  readonly element = h("div", { class: "chips", attrs: { role: "group", "aria-label": strings.activeFilters, part: "chips", hidden: true } });

  constructor(private readonly context: ViewContext) {}

  update(state: ViewState): void {
    const { config, controller, locale } = this.context;
    const locked = config.permissions.locked_dimensions ?? [];
    const chips: HTMLElement[] = [];
    for (const [dimension, values] of Object.entries(state.dimensions)) {
      if (locked.includes(dimension)) continue;
      const name = dimensionLabel(this.context, dimension);
      for (const value of values) chips.push(this.chip(name, labelOf(value), { type: "toggle", dimension, value, multiple: true }));
    }
    for (const [property, range] of Object.entries(state.numericRanges)) {
      const name = config.filters.find((filter) => filter.property === property)?.label ?? humanize(property);
      chips.push(this.chip(name, rangeText(range, locale), { type: "numeric", property, range: null }));
    }
    if (state.dateRanges) chips.push(this.chip(strings.dates, spanText(state.dateRanges, this.context), { type: "dates", range: null }));
    const active = hasActiveFilters(state, controller.initial);
    this.element.hidden = chips.length === 0 && !active;
    const reset = h(
      "button",
      {
        class: "text-button",
        attrs: { type: "button" },
        on: { click: () => controller.dispatch({ type: "reset", to: { ...controller.initial, period: controller.state.period } }) },
      },
      strings.reset,
    );
    replace(this.element, ...chips, active && (chips.length > 1 || chips.length === 0) && reset);
  }

  private chip(name: string, value: string, remove: Action): HTMLElement {
    return h(
      "span",
      { class: "chip", attrs: { part: "chip" } },
      h("span", { class: "chip-name" }, name),
      h("span", { class: "chip-value", attrs: { title: value } }, value),
      h(
        "button",
        { class: "chip-remove", attrs: { type: "button", "aria-label": strings.removeFilter(`${name} ${value}`) }, on: { click: () => this.context.controller.dispatch(remove) } },
        icon("close", 12),
      ),
    );
  }
}
