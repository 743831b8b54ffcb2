import { createElement, useCallback, useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from "react";
import { isolated, readFilters, type Filters, type Theme } from "@emban/core";
import { SessionContext, type DrillEvent, type ErrorEvent, type Session } from "./context";
import { SharedDashboard } from "./shared-dashboard";

/** Functions may be made anew for each render: the newest one is called. */
export interface EmbanProviderProps {
  /** Address of your Emban server. */
  readonly host: string;
  /** Of an embed session, or a guest token; absent or empty while your page is still asking for it. A new one of the same customer keeps the filters. */
  readonly token?: string | null | undefined;
  /** Id or slug of the dashboard that the session must be for; of a data app's token the one to show. */
  readonly dashboardId?: string | undefined;
  /** Asks your back end for a fresh token; called before the session ends, when it was refused, and first of all when there is no `token`. */
  readonly getToken?: (() => Promise<string> | string) | undefined;
  /** Laid over the published theme; a changed one is shown at once. */
  readonly theme?: Theme | undefined;
  /** Applied at first and when their content changes; meanwhile the viewer may change them. */
  readonly filters?: Filters | undefined;
  /** Whether charts refresh by themselves; the dashboard says so when absent. */
  readonly live?: boolean | undefined;
  /** Everything that is shown has its data for the first time. */
  readonly onReady?: (() => void) | undefined;
  readonly onDrill?: ((event: DrillEvent) => void) | undefined;
  /** The viewer, not your code, changed a filter or the period. */
  readonly onFilter?: ((event: { readonly filters: Filters }) => void) | undefined;
  readonly onPeriodChange?: ((event: { readonly period: string }) => void) | undefined;
  /** A minute before the session ends: with `getToken` nothing needs to be done. */
  readonly onTokenExpiring?: ((event: { readonly expiresAt: string }) => void) | undefined;
  readonly onError?: ((event: ErrorEvent) => void) | undefined;
  readonly children?: ReactNode;
}

/**
 * One session, for all Emban components and hooks below: they share its filters and its answers.
 *
 * ```tsx
 * <EmbanProvider host="https://analytics.example.com" token={token}><EmbanDashboard /></EmbanProvider>
 * ```
 */
export function EmbanProvider(props: EmbanProviderProps): ReactElement {
  const { token, theme, live, filters, children } = props;
  const target = { host: props.host.replace(/\/+$/, ""), dashboard: props.dashboardId || null };
  const [known, setKnown] = useState(() => new SharedDashboard(target));
  // Another server or dashboard starts afresh; components below stay mounted.
  const shared = known.isFor(target) ? known : new SharedDashboard(target);
  if (shared !== known) setKnown(shared);

  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  const applyFilters = useCallback((to: SharedDashboard) => {
    const { filters: given, onError } = latest.current;
    if (!given) return;
    try {
      to.controller.setFilters(readFilters(JSON.parse(JSON.stringify(given))));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const { message } = error;
      isolated(() => onError?.({ code: "invalid_filters", message }));
    }
  }, []);

  const canFetch = props.getToken !== undefined;
  useEffect(() => {
    const leave = shared.onEvent((event) => {
      const { current } = latest;
      if (event.type === "forgotten") applyFilters(shared);
      if (event.type === "settled" && event.first) current.onReady?.();
      if (event.type === "filter") current.onFilter?.({ filters: event.filters });
      if (event.type === "period-change") current.onPeriodChange?.({ period: event.period });
      if (event.type === "token-expiring") current.onTokenExpiring?.({ expiresAt: event.expiresAt });
      if (event.type === "error") current.onError?.({ code: event.code, message: event.message });
    });
    const first = latest.current.token;
    shared.start(first || null, canFetch ? async () => (await latest.current.getToken?.()) ?? "" : null);
    return () => {
      leave();
      shared.stop();
    };
  }, [shared, canFetch, applyFilters]);

  const hadToken = useRef(false);
  useEffect(() => {
    // A token that is taken away, as when somebody signs out, takes along what it has shown.
    if (token || hadToken.current) shared.setToken(token || "");
    hadToken.current = Boolean(token);
  }, [shared, token]);

  const filtersContent = JSON.stringify(filters ?? null);
  const applied = useRef<{ readonly shared: SharedDashboard; readonly content: string } | null>(null);
  useEffect(() => {
    if (applied.current?.shared === shared && applied.current.content === filtersContent) return;
    applied.current = { shared, content: filtersContent };
    applyFilters(shared);
  }, [shared, filtersContent, applyFilters]);

  const themeContent = JSON.stringify(theme ?? null);
  const drilled = useCallback((event: DrillEvent) => isolated(() => latest.current.onDrill?.(event)), []);
  const failed = useCallback((event: ErrorEvent) => isolated(() => latest.current.onError?.(event)), []);
  const session = useMemo<Session>(
    () => ({ shared, live, theme: (JSON.parse(themeContent) as Theme | null) ?? undefined, drilled, failed }),
    [shared, live, themeContent, drilled, failed],
  );
  return createElement(SessionContext.Provider, { value: session }, children);
}
