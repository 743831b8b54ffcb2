import {
  daysBetween, formatValue, fromDays, spanText, strings, toDays, type FilterConfig, type NumericRange, type ViewState,
} from "@emban/core";
import type { ViewContext } from "../context";
import { h, replace, setAttribute, uniqueId } from "../dom";
import { labelOfFilter, type FilterControl } from "./control";
import { Popover } from "./popover";

/** A small form in a popover: two inputs, a sentence for what is wrong, Apply and Clear. */
abstract class RangeControl implements FilterControl {
  readonly element: HTMLElement;
  protected readonly popover: Popover;
  protected readonly first: HTMLInputElement;
  protected readonly second: HTMLInputElement;
  private readonly problem: HTMLElement;

  constructor(
    protected readonly filter: FilterConfig, protected readonly context: ViewContext, protected readonly label: string, type: "number" | "date",
    names: readonly [string, string],
  ) {
    const problemId = uniqueId("problem");
    const input = () => h("input", { class: "input", attrs: { type, step: type === "number" ? "any" : null, "aria-describedby": problemId, placeholder: type === "number" ? strings.any : null } });
    this.first = input();
    this.second = input();
    this.problem = h("p", { class: "problem", attrs: { id: problemId, role: "alert" } });
    this.popover = new Popover({
      label,
      content: "form",
      ...(type === "date" ? { icon: "calendar" as const } : {}),
      reserve: (bottom) => context.reserve(bottom),
      open: (panel) => {
        this.fill(context.controller.state);
        this.say("");
        replace(
          panel,
          h(
            "form",
            {
              class: "range",
              attrs: { novalidate: true },
              on: {
                submit: (event) => {
                  event.preventDefault();
                  this.submit();
                },
              },
            },
            h("div", { class: "range-fields" }, h("label", { class: "labelled" }, h("span", {}, names[0]), this.first), h("label", { class: "labelled" }, h("span", {}, names[1]), this.second)),
            this.problem,
            h(
              "div",
              { class: "range-actions" },
              h("button", { class: "button quiet", attrs: { type: "button" }, on: { click: () => { this.clear(); this.popover.close(); } } }, strings.clear),
              h("button", { class: "button primary", attrs: { type: "submit" } }, strings.apply),
            ),
          ),
        );
        return this.first;
      },
    });
    this.element = this.popover.element;
    this.element.dataset["filter"] = filter.id;
  }

  abstract update(state: ViewState): void;
  protected abstract fill(state: ViewState): void;
  /** Applies the inputs and closes; or says what is wrong and stays. */
  protected abstract submit(): void;
  protected abstract clear(): void;

  destroy(): void {
    this.popover.destroy();
  }

  protected say(text: string): void {
    this.problem.textContent = text;
    for (const input of [this.first, this.second]) setAttribute(input, "aria-invalid", text === "" ? null : "true");
    if (text !== "") this.first.focus();
  }
}

export class NumericRangeControl extends RangeControl {
  constructor(filter: FilterConfig, context: ViewContext) {
    super(filter, context, labelOfFilter(filter), "number", [strings.min, strings.max]);
  }

  update(state: ViewState): void {
    const range = state.numericRanges[this.filter.property ?? ""];
    this.popover.setText(this.label, range ? rangeText(range, this.context.locale) : null);
  }

  protected fill(state: ViewState): void {
    const range = state.numericRanges[this.filter.property ?? ""];
    this.first.value = range?.min === undefined ? "" : String(range.min);
    this.second.value = range?.max === undefined ? "" : String(range.max);
  }

  protected submit(): void {
    const read = (input: HTMLInputElement) => (Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : undefined);
    const min = read(this.first);
    const max = read(this.second);
    if (min !== undefined && max !== undefined && min > max) {
      this.say(strings.rangeOrder);
      return;
    }
    const range: NumericRange = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
    this.context.controller.dispatch({ type: "numeric", property: this.filter.property ?? "", range });
    this.popover.close();
  }

  protected clear(): void {
    this.context.controller.dispatch({ type: "numeric", property: this.filter.property ?? "", range: null });
  }
}

export class DateRangeControl extends RangeControl {
  constructor(filter: FilterConfig, context: ViewContext) {
    super(filter, context, filter.label ?? strings.dates, "date", [strings.from, strings.to]);
  }

  update(state: ViewState): void {
    this.popover.setText(this.label, state.dateRanges ? spanText(state.dateRanges, this.context) : null);
  }

  protected fill(state: ViewState): void {
    const days = state.dateRanges ? toDays(state.dateRanges, this.context.timezone) : null;
    this.first.value = days?.from ?? "";
    this.second.value = days?.to ?? "";
  }

  protected submit(): void {
    const { value: from } = this.first;
    const { value: to } = this.second;
    const longest = this.context.config.permissions.max_date_range_days ?? 0;
    if (from === "" || to === "") this.say(strings.dateMissing);
    else if (from > to) this.say(strings.dateOrder);
    else if (longest > 0 && daysBetween(from, to) > longest) this.say(strings.dateTooLong(longest));
    else {
      this.context.controller.dispatch({ type: "dates", range: fromDays(from, to, this.context.timezone) });
      this.popover.close();
    }
  }

  protected clear(): void {
    this.context.controller.dispatch({ type: "dates", range: null });
  }
}

export function rangeText(range: NumericRange, locale: string): string {
  const say = (value: number) => formatValue(value, {}, locale, "full");
  if (range.min !== undefined && range.max !== undefined) return `${say(range.min)} – ${say(range.max)}`;
  if (range.min !== undefined) return strings.atLeast(say(range.min));
  return range.max === undefined ? "" : strings.atMost(say(range.max));
}
