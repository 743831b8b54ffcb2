import {
  clickEffect, drillStrings, exactPick, humanize, strings,
  type ColorSlots, type DashboardConfig, type DashboardController, type GridSize, type Picked, type ResolvedTheme, type WidgetConfig,
} from "@emban/core";

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
  /** Called with what the viewer clicked: tells the host, then filters the dashboard or opens the drill panel. */
  onPick(widget: WidgetConfig, picked: Picked): void;
  /** Opens the drill panel for all that a widget measures. */
  showDetails(widget: WidgetConfig): void;
  /** Takes a widget away that the viewer has added. */
  remove(widget: WidgetConfig): void;
  /** Tells the viewer, and the host, that something failed beside the widgets' data. */
  fail(text: string, code: string): void;
  /** Keeps the element tall enough for an open popover. */
  reserve(bottom: number): void;
}

/** True when a click on `picked` has an effect; without it nothing may look clickable. */
export function isPickable(context: ViewContext, widget: WidgetConfig, picked: Picked): boolean {
  const exact = exactPick(picked, context.controller.widget(widget.id).result, context.timezone);
  return clickEffect(widget, exact, context.controller.published ?? context.config) !== null;
}

/** What a clickable mark called `label` says of itself: the effect of a click, and whether it is on. */
export function pickAttributes(
  context: ViewContext, widget: WidgetConfig, picked: Picked, label: string, isOn: boolean,
): Readonly<Record<string, string | null>> {
  const effect = clickEffect(widget, picked, context.controller.published ?? context.config);
  if (effect === "filter") {
    return { title: isOn ? strings.clearFilterOf(label) : strings.filterBy(label), "aria-pressed": isOn ? "true" : "false", "aria-haspopup": null };
  }
  return { title: effect === "drill" ? drillStrings.openValue(label) : label, "aria-pressed": null, "aria-haspopup": effect === "drill" ? "dialog" : null };
}

/** The values of `dimension` that the dashboard is filtered by, as far as the viewer may change them. */
export function selectedValues(context: ViewContext, dimension: string): ReadonlySet<string> {
  if (context.config.permissions.locked_dimensions?.includes(dimension)) return new Set();
  return new Set(context.controller.state.dimensions[dimension] ?? []);
}

/** What the author calls a dimension, else its name in words. */
export function dimensionLabel(context: ViewContext, dimension: string): string {
  return context.config.filters.find((filter) => filter.dimension === dimension)?.label ?? humanize(dimension);
}

