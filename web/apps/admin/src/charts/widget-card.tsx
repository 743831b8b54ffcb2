import {
  DashboardController, EmbanError, resolveTheme, type DashboardConfig, type QueryResult, type ResolvedTheme, type Theme, type WidgetConfig, type WidgetState,
} from "@emban/core";
import styles from "emban-styles";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import type { ViewContext } from "../../../../packages/element/src/context";
import { CustomerColors } from "../../../../packages/element/src/customer-colors";
import { Card } from "../../../../packages/element/src/widgets/card";
import type { ApiError } from "../api/client";
import { isDark, onModeChange } from "../tokens";

let sheet: CSSStyleSheet | null = null;

/** The viewer's style sheet, with what a single card in a frame of the console needs. */
export function viewerStyles(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(`${styles}
:host { contain: strict; height: 100%; }
:host([data-view="dashboard"]) { contain: none; height: auto; }
:host([data-still]) .icon-button, :host([inert]) .button { display: none; }
.root.alone { height: 100%; padding: 0; background: none; }
.root.alone > .card { height: 100%; }`);
  }
  return sheet;
}

export function themeVariables(theme: ResolvedTheme): Readonly<Record<string, string>> {
  return {
    "--background": theme.background, "--card": theme.card, "--card-border": theme.cardBorder, "--text": theme.text, "--muted": theme.muted,
    "--line": theme.line, "--track": theme.track, "--hover": theme.hover, "--primary": theme.primary, "--on-primary": theme.onPrimary,
    "--primary-text": theme.primaryText, "--primary-soft": theme.primarySoft, "--positive": theme.positive, "--positive-soft": theme.positiveSoft,
    "--negative": theme.negative, "--negative-soft": theme.negativeSoft, "--popover": theme.popover,
  };
}

/** The theme as it is shown now: `auto` follows the console. */
export function useResolvedTheme(theme: Theme | undefined): ResolvedTheme {
  const [, setRound] = useState(0);
  useEffect(() => onModeChange(() => setRound((before) => before + 1)), []);
  const key = JSON.stringify(theme);
  const dark = isDark();
  // By what the theme says: the same object as long as that is the same.
  return useMemo(() => resolveTheme(theme, dark), [key, dark]);
}

export type Answer = { readonly result: QueryResult } | { readonly error: ApiError } | null;

/** What cards ask of a dashboard, where there is none: nothing is filtered, nothing is opened. */
class StillController extends DashboardController {
  constructor(private readonly again: () => void) {
    super({ host: "", fetch: () => Promise.reject(new Error("nothing is asked for here")) }, () => undefined);
  }

  override retry(): void {
    this.again();
  }
}

const colors = new CustomerColors();

interface WidgetCardProps {
  readonly widget: WidgetConfig;
  readonly answer: Answer;
  /** There is an answer, and a newer one is on its way. */
  readonly isStale?: boolean;
  readonly theme: ResolvedTheme;
  readonly timezone?: string;
  /** Whose colours: values keep theirs across the cards of one customer. */
  readonly tenant?: string;
  readonly onRetry?: () => void;
  /** A picture: nothing moves in it. */
  readonly still?: boolean;
  /** Nothing inside takes the focus or a click. */
  readonly inert?: boolean;
}

/** One widget as customers see it, drawn by the viewer's own card inside a shadow root of its own. */
export const WidgetCard = memo(function WidgetCard({ widget, answer, isStale = false, theme, timezone = "UTC", tenant = "", onRetry, still = false,
  inert = false }: WidgetCardProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const parts = useRef<{ root: HTMLDivElement; card: Card | null; controller: StillController; key: string } | null>(null);
  const retry = useRef(onRetry);
  retry.current = onRetry;
  const themeKey = JSON.stringify(theme);
  // Where it stands is no matter of the card.
  const widgetKey = JSON.stringify({ ...widget, position: null });

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [viewerStyles()];
    const root = document.createElement("div");
    root.className = "root alone";
    root.dataset["size"] = "wide";
    shadow.replaceChildren(root);
    element.toggleAttribute("inert", inert || still);
    element.toggleAttribute("data-still", still);
    parts.current = { root, card: null, controller: new StillController(() => retry.current?.()), key: "" };
    return () => {
      parts.current?.card?.destroy();
      parts.current?.controller.destroy();
      parts.current = null;
    };
  }, []);

  useEffect(() => {
    const now = parts.current;
    if (!now) return;
    const { root, controller } = now;
    root.dataset["mode"] = theme.mode;
    for (const [name, value] of Object.entries(themeVariables(theme))) root.style.setProperty(name, value);
    root.style.fontFamily = theme.fontFamily ?? "";
    const config = stillConfig([widget]);
    controller.config = config;
    controller.published = config;
    const context: ViewContext = {
      controller, config, theme, colors: colors.of(tenant), size: "wide", locale: navigator.language, timezone,
      fontFamily: getComputedStyle(root).fontFamily || "sans-serif", reducedMotion: still || matchMedia("(prefers-reduced-motion: reduce)").matches, assets: "",
      onPick: () => undefined, showDetails: () => undefined, remove: () => undefined, fail: () => undefined, reserve: () => undefined,
    };
    if (!now.card || now.key !== widgetKey) {
      now.card?.destroy();
      now.card = new Card(widget, context);
      now.key = widgetKey;
      root.replaceChildren(now.card.element);
    } else now.card.setContext(context);
    const state = stateOf(answer, isStale);
    controller.widgets.set(widget.id, state);
    now.card.update(state);
    // Widget and theme by what they say.
  }, [widgetKey, themeKey, timezone, tenant, answer, isStale]);

  return <div className="widget-host" ref={host} />;
});

function stateOf(answer: Answer, isStale: boolean): WidgetState {
  if (answer === null) return { status: "loading", result: null, error: null };
  if ("error" in answer) return { status: "error", result: null, error: new EmbanError(answer.error.code, answer.error.message, answer.error.status) };
  return { status: isStale ? "loading" : "ok", result: answer.result, error: null };
}

function stillConfig(widgets: readonly WidgetConfig[]): DashboardConfig {
  return {
    id: "", name: "", layout: {}, filters: [], widgets, session: {},
    permissions: { allow_drill_down: false, allow_export: false, allowed_periods: null, allowed_dimensions: [] },
  };
}
