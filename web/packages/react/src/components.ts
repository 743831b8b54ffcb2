import { createElement, type CSSProperties, type ReactElement } from "react";
import type { Theme } from "@emban/core";
import { useView } from "./use-view";

export interface EmbanDashboardProps {
  readonly className?: string | undefined;
  readonly style?: CSSProperties | undefined;
  /** Laid over the provider's. */
  readonly theme?: Theme | undefined;
}

export interface EmbanWidgetProps extends EmbanDashboardProps {
  /** Id of a widget of the dashboard. */
  readonly widgetId: string;
}

/** The whole dashboard, with its filters, below an `EmbanProvider`. */
export function EmbanDashboard({ className, style, theme }: EmbanDashboardProps): ReactElement {
  return createElement("div", { ref: useView(null, theme), className, style });
}

/** One chart of the dashboard. It shares the filters of everything below the same `EmbanProvider`. */
export function EmbanWidget({ widgetId, className, style, theme }: EmbanWidgetProps): ReactElement {
  return createElement("div", { ref: useView(widgetId, theme), className, style });
}
