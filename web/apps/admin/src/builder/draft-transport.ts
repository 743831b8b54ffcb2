import type { DashboardConfig, FetchLike, QueryResult, WireState } from "@emban/core";
import { api, asApiError, isAbort } from "../api/client";
import type { DraftConfig, DraftWidget, QueryFilter } from "../api/types";
import type { Look } from "./answers";
import { inTurns } from "./questions";

/** As many at a time as the canvas asks. */
const inTurn = inTurns(4);

/** What a session would permit; as in `POST /v1/embed-sessions`. */
export interface PreviewPermissions {
  readonly locked: Readonly<Record<string, string | readonly string[]>>;
  readonly hidden: readonly string[];
  readonly periods: readonly string[];
  /** Properties that filters may use; all when empty. */
  readonly dimensions: readonly string[];
}

/**
 * The viewer's routes for a draft: what an embed session would be told once it is published, answered from the draft and `POST /v1/query`. So the viewer's own
 * code shows it, filters included, and no version has to be published for it.
 */
export function draftTransport(config: DraftConfig, id: string, look: Look, permissions: PreviewPermissions): FetchLike {
  const widgets = (config.widgets ?? []).filter((widget) => !permissions.hidden.includes(widget.id));
  return async (url, init) => {
    const { pathname, searchParams } = new URL(url, location.href);
    const signal = init.signal ?? undefined;
    try {
      if (pathname === "/v1/embed/dashboard") return json(viewOf(config, id, widgets, look, permissions));
      if (pathname === "/v1/embed/query") {
        const body = JSON.parse(String(init.body)) as { state?: WireState; widgets?: readonly string[] };
        return answers(widgets.filter((widget) => widget.query && (!body.widgets || body.widgets.includes(widget.id))), body.state ?? {}, look, permissions, signal);
      }
      if (pathname === "/v1/embed/filter-values") return json(await valuesOf(searchParams, widgets, look, permissions, signal));
    } catch (error) {
      if (isAbort(error)) throw error;
      const { status, code, message } = asApiError(error);
      return json({ code, message }, status || 503);
    }
    return json({ code: "not_found", message: "" }, 404);
  };
}

function viewOf(config: DraftConfig, id: string, widgets: readonly DraftWidget[], look: Look, permissions: PreviewPermissions): DashboardConfig {
  const locked = Object.keys(permissions.locked);
  return {
    id, name: config.name, ...(config.description && { description: config.description }), layout: config.layout ?? {},
      ...(config.theme && { theme: config.theme }), live: false,
    filters: (config.filters ?? []).filter((filter) => filter.value === undefined && isAllowed(filter.dimension, permissions)).map((filter) =>
      filter.type === "period" && permissions.periods.length > 0
        ? { ...filter, options: (filter.options ?? permissions.periods).filter((period) => permissions.periods.includes(period)) } : filter),
    widgets,
    permissions: {
      allow_drill_down: false, allow_export: false, allowed_periods: permissions.periods.length > 0 ? permissions.periods : null,
      allowed_dimensions: permissions.dimensions.length > 0 ? permissions.dimensions : null, locked_dimensions: locked,
    },
    drill: { dimensions: [], rows: false },
    session: { tenant_id: look.tenant, timezone: look.timezone || "UTC", locale: navigator.language },
  };
}

/** What a session fixes or forbids is no control of its viewers. */
function isAllowed(dimension: string | undefined, { dimensions, locked }: PreviewPermissions): boolean {
  return dimension === undefined || ((dimensions.length === 0 || dimensions.includes(dimension)) && !(dimension in locked));
}

/** One line for each widget, as its answer is there. */
function answers(widgets: readonly DraftWidget[], state: WireState, look: Look, permissions: PreviewPermissions, signal: AbortSignal | undefined): Response {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start: async (out) => {
      await Promise.all(
        widgets.map(async (widget) => {
          let line: unknown;
          try {
            line = { widget: widget.id, result: await ask(widget, state, look, permissions, signal) };
          } catch (error) {
            if (isAbort(error) || signal?.aborted) return;
            const { code, message } = asApiError(error);
            line = { widget: widget.id, result: { error: { code, message } } };
          }
          if (!signal?.aborted) out.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
        }),
      );
      if (!signal?.aborted) out.close();
      else out.error(new DOMException("", "AbortError"));
    },
  });
  return new Response(stream, { headers: { "Content-Type": "application/x-ndjson" } });
}

function ask(widget: DraftWidget, state: WireState, look: Look, permissions: PreviewPermissions, signal: AbortSignal | undefined): Promise<QueryResult> {
  const period = state.dateRanges ?? state.period;
  const filters: QueryFilter[] = [
    ...Object.entries(permissions.locked).map(([dimension, values]) => ({ dimension, op: "in" as const, values: typeof values === "string" ? [values] : values })),
    ...Object.entries(state.dimensions ?? {}).map(([dimension, values]) => ({ dimension, op: "in" as const, values })),
    ...Object.entries(state.numericRanges ?? {}).flatMap(([property, { min, max }]): QueryFilter[] =>
      min !== undefined && max !== undefined ? [{ property, op: "between", values: [min, max] }] : min !== undefined
        ? [{ property, op: "gte", values: [min] }] : max !== undefined ? [{ property, op: "lte", values: [max] }] : []),
  ];
  const body = {
    kind: widget.kind, query: { ...widget.query, ...(period !== undefined && { period }) }, environment: look.environment,
    ...(filters.length > 0 && { filters }), ...(look.tenant !== "" && { tenant_id: look.tenant }), ...(look.timezone !== "" && { timezone: look.timezone }),
  };
  return inTurn(() => api.post<QueryResult>("/v1/query", body, signal ? { signal } : {}), signal);
}

async function valuesOf(search: URLSearchParams, widgets: readonly DraftWidget[], look: Look, permissions: PreviewPermissions,
  signal: AbortSignal | undefined): Promise<unknown> {
  const dimension = search.get("dimension") ?? "";
  const needle = search.get("q") ?? "";
  const events = [...new Set(widgets.flatMap(({ query }) => (query?.event_name ? [query.event_name] : [])))];
  const widget: DraftWidget = {
    id: "values", title: "", kind: "breakdown", chart: "list", position: { x: 0, y: 0, w: 1, h: 1 },
    query: {
      metric: "count", group_by: dimension, limit: 50, period: search.get("period") ?? "90d", ...(events.length === 1 && events[0] && { event_name: events[0] }),
      ...(needle !== "" && { filters: [{ dimension, op: "contains" as const, values: [needle] }] }),
    },
  };
  const result = await ask(widget, {}, look, permissions, signal);
  const column = result.columns.find(({ role }) => role === "dimension")?.name ?? dimension;
  return {
    dimension, values: result.rows.map((row) => ({ value: String(row[column] ?? ""), count: Number(row["value"] ?? 0) })),
    truncated: result.meta.truncated ?? false,
  };
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}
