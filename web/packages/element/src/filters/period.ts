import { periodOptions, strings, type ViewState } from "@emban/core";
import type { ViewContext } from "../context";
import { h, setAttribute } from "../dom";
import type { FilterControl } from "./control";

/** Periods as a segmented control, or as a select where the width does not allow it. */
export class PeriodControl implements FilterControl {
  readonly element: HTMLElement;
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly select: HTMLSelectElement;
  private readonly custom = h("option", { attrs: { value: "", hidden: true } }, strings.customDates);

  constructor(private readonly context: ViewContext) {
    const options = periodOptions(context.config);
    const group = h("div", { class: "segments", attrs: { role: "radiogroup", "aria-label": strings.period, part: "period" }, on: { keydown: (event) => this.key(event as KeyboardEvent) } });
    for (const period of options) {
      const button = h(
        "button",
        {
          class: "segment",
          attrs: { type: "button", role: "radio", "aria-label": strings.periods[period] ?? period, "data-period": period },
          on: { click: () => this.choose(period) },
        },
        strings.periodsShort[period] ?? period,
      );
      this.buttons.set(period, button);
      group.append(button);
    }
    this.select = h(
      "select",
      { class: "field select", attrs: { "aria-label": strings.period }, on: { change: () => this.choose(this.select.value) } },
      this.custom,
      ...options.map((period) => h("option", { attrs: { value: period } }, strings.periods[period] ?? period)),
    );
    this.element = h("div", { class: "period" }, group, h("div", { class: "select-box" }, this.select));
  }

  update(state: ViewState): void {
    const active = state.dateRanges === null ? state.period : null;
    const focusable = active !== null && this.buttons.has(active) ? active : this.buttons.keys().next().value;
    for (const [period, button] of this.buttons) {
      setAttribute(button, "aria-checked", period === active ? "true" : "false");
      setAttribute(button, "tabindex", period === focusable ? 0 : -1);
    }
    this.select.value = active !== null && this.buttons.has(active) ? active : "";
  }

  private choose(period: string): void {
    if (period !== "") this.context.controller.dispatch({ type: "period", period });
  }

  private key(event: KeyboardEvent): void {
    const periods = [...this.buttons.keys()];
    const root = this.element.getRootNode() as Document | ShadowRoot;
    const now = periods.findIndex((period) => this.buttons.get(period) === root.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? periods.length - 1 : step === undefined || now < 0 ? -1 : (now + step + periods.length) % periods.length;
    const period = periods[next];
    if (period === undefined) return;
    event.preventDefault();
    this.choose(period);
    this.buttons.get(period)?.focus();
  }
}
