import { humanize, type FilterConfig, type ViewState } from "@emban/core";

/** One filter of the bar. */
export interface FilterControl {
  readonly element: HTMLElement;
  /** Shows `state`, whoever changed it. */
  update(state: ViewState): void;
  destroy?(): void;
}

export function labelOfFilter(filter: FilterConfig): string {
  return filter.label ?? humanize(filter.dimension ?? filter.property ?? filter.type);
}
