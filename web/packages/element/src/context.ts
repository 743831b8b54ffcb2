import type { ColorSlots, DashboardConfig, DashboardController, FilterConfig, GridSize, Hit, ResolvedTheme, WidgetConfig } from "@emban/core";

/** What the parts of one dashboard share. Replaced as a whole when theme, size or configuration change. */
export interface ViewContext {
  readonly controller: DashboardController;
  readonly config: DashboardConfig;
  readonly theme: ResolvedTheme;
  readonly colors: ColorSlots;
  readonly size: GridSize;
  readonly locale: string;
  readonly timezone: string;
  readonly fontFamily: string;
  readonly reducedMotion: boolean;
  readonly assets: string;
  /** Called with a value the viewer clicked: emits a drill event and toggles the filter where there is one. */
  activate(widget: WidgetConfig, hit: Hit): void;
  /** Keeps the element tall enough for an open popover. */
  reserve(bottom: number): void;
}

/** The viewer's own filter for a dimension, if it has one and it is not locked. */
export function filterFor(context: ViewContext, dimension: string): FilterConfig | undefined {
  if (context.config.permissions.locked_dimensions?.includes(dimension)) return undefined;
  return context.config.filters.find(
    (filter) => (filter.type === "select" || filter.type === "multi_select") && filter.dimension === dimension,
  );
}

/** True when clicking a value of `dimension` has an effect. */
export function isInteractive(context: ViewContext, dimension: string): boolean {
  return context.config.permissions.allow_drill_down !== false || filterFor(context, dimension) !== undefined;
}

export function selectedValues(context: ViewContext, dimension: string): ReadonlySet<string> {
  return filterFor(context, dimension) ? new Set(context.controller.state.dimensions[dimension] ?? []) : new Set();
}

/** Keeps the values of one customer's dimension apart from those of any other, on pages that show several. */
export function colorScope(context: ViewContext, dimension: string): string {
  return JSON.stringify([context.config.session.tenant_id ?? "", dimension]);
}
