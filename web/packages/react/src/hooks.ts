import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { EmbanError, emptyState, readFilters, toFilters, type DashboardConfig, type Filters, type FilterValue, type QueryResult } from "@emban/core";
import { useSession } from "./context";

export interface EmbanDashboardState {
  /** The published configuration, as the session sees it; null before it is there. */
  readonly dashboard: DashboardConfig | null;
  readonly loading: boolean;
  readonly error: EmbanError | null;
  /** Asks for everything again; filters stay. */
  readonly reload: () => void;
}

/** What the dashboard is: its name, widgets and filters. */
export function useEmbanDashboard(): EmbanDashboardState {
  const { shared } = useSession();
  const snapshot = useSyncExternalStore(shared.subscribe, () => shared.snapshot, () => shared.snapshot);
  const reload = useCallback(() => shared.controller.reload(), [shared]);
  return useMemo(() => ({ ...snapshot, reload }), [snapshot, reload]);
}

export interface EmbanFiltersState {
  /** What is set at the moment, by the viewer or by you. */
  readonly filters: Filters;
  /** Replaces the parts that it names; null empties one. What the session does not permit is left out, with an error. TypeError for what are no filters. */
  readonly setFilters: (filters: Filters) => void;
  /** Back to those that the dashboard opens with. */
  readonly resetFilters: () => void;
}

/** The filters that all below the same provider share. */
export function useEmbanFilters(): EmbanFiltersState {
  const { shared } = useSession();
  const state = useSyncExternalStore(shared.subscribe, () => shared.controller.state, () => emptyState);
  const setFilters = useCallback((filters: Filters) => shared.controller.setFilters(readFilters(filters)), [shared]);
  const resetFilters = useCallback(() => shared.controller.dispatch({ type: "reset", to: shared.controller.initial }), [shared]);
  return useMemo(() => ({ filters: toFilters(state), setFilters, resetFilters }), [state, setFilters, resetFilters]);
}

export interface EmbanWidgetData {
  /** The last answer, also while a newer one is on its way; null before the first. */
  readonly data: QueryResult | null;
  readonly loading: boolean;
  readonly error: EmbanError | null;
  readonly refresh: () => void;
}

const noWidget = new EmbanError("widget_not_found", "This widget does not exist, or is not part of this session.", 404);

/** The data of a widget, for charts of your own. A widget that is shown besides costs no further request. */
export function useEmbanWidget(widgetId: string): EmbanWidgetData {
  const { shared } = useSession();
  const { dashboard, loading, error } = useEmbanDashboard();
  const widget = useSyncExternalStore(shared.subscribe, () => shared.widget(widgetId), () => shared.widget(widgetId));
  useEffect(() => shared.want(widgetId), [shared, widgetId]);
  const refresh = useCallback(() => shared.controller.retry(widgetId), [shared, widgetId]);
  const isMissing = dashboard !== null && !dashboard.widgets.some((candidate) => candidate.id === widgetId);
  return useMemo(() => {
    const failure = error ?? (isMissing ? noWidget : widget.error);
    return { data: error ? null : widget.result, loading: failure === null && (loading || widget.status === "loading"), error: failure, refresh };
  }, [widget, loading, error, isMissing, refresh]);
}

export interface EmbanFilterValues {
  /** The most frequent first, at most fifty. */
  readonly values: readonly FilterValue[];
  readonly loading: boolean;
  readonly error: EmbanError | null;
}

const noValues: EmbanFilterValues = { values: [], loading: true, error: null };

/** The values of a dimension, for filters of your own; `search` is a text that they hold. */
export function useEmbanFilterValues(dimension: string, search = ""): EmbanFilterValues {
  const { shared } = useSession();
  const { dashboard } = useEmbanDashboard();
  const { filters } = useEmbanFilters();
  const [known, setKnown] = useState(noValues);
  const { period } = filters;
  useEffect(() => {
    if (dashboard === null) {
      setKnown(noValues);
      return undefined;
    }
    const abort = new AbortController();
    setKnown((before) => ({ ...before, loading: true }));
    shared.controller.filterValues(dimension, search, abort.signal).then(
      ({ values }) => setKnown({ values, loading: false, error: null }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setKnown({ values: [], loading: false, error: error instanceof EmbanError ? error : new EmbanError("network", String(error)) });
      },
    );
    return () => abort.abort();
  }, [shared, dashboard, dimension, search, period]);
  return dashboard === null ? noValues : known;
}
