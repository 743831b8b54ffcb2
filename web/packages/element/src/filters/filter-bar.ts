import { periodOptions, strings, type FilterConfig, type ViewState } from "@emban/core";
import type { ViewContext } from "../context";
import { h } from "../dom";
import type { FilterControl } from "./control";
import { PeriodControl } from "./period";
import { DateRangeControl, NumericRangeControl } from "./range";
import { ValueSelect } from "./value-select";

/** The controls for exactly those filters that the configuration holds. */
export class FilterBar {
  readonly element = h("div", { class: "filters", attrs: { role: "group", "aria-label": strings.filters, part: "filter-bar" } });
  private readonly controls: readonly FilterControl[];

  constructor(context: ViewContext) {
    const locked = context.config.permissions.locked_dimensions ?? [];
    const filters = context.config.filters.filter((filter) => !filter.dimension || !locked.includes(filter.dimension));
    // The period comes last: on wide screens it stands at the edge, where the eye looks for it.
    const ordered = [...filters.filter((filter) => filter.type !== "period"), ...filters.filter((filter) => filter.type === "period")];
    this.controls = ordered.map((filter) => makeControl(filter, context)).filter((control): control is FilterControl => control !== null);
    for (const control of this.controls) this.element.append(control.element);
    this.element.hidden = this.controls.length === 0;
  }

  update(state: ViewState): void {
    for (const control of this.controls) control.update(state);
  }

  destroy(): void {
    for (const control of this.controls) control.destroy?.();
  }
}

function makeControl(filter: FilterConfig, context: ViewContext): FilterControl | null {
  switch (filter.type) {
    case "period":
      return periodOptions(context.config).length > 0 ? new PeriodControl(context) : null;
    case "select":
    case "multi_select":
      return filter.dimension ? new ValueSelect(filter, context) : null;
    case "numeric_range":
      return filter.property ? new NumericRangeControl(filter, context) : null;
    case "date_range":
      return new DateRangeControl(filter, context);
    default:
      return null;
  }
}
