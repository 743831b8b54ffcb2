import { showsData, type QueryResult } from "@emban/core";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, asApiError, isAbort } from "../api/client";
import { useSettled } from "../api/hooks";
import type { DraftConfig, DraftWidget } from "../api/types";
import type { Answer } from "../charts/widget-card";
import { words } from "../words";
import { formOf, Questions } from "./questions";

/** Answers of this long ago are asked for again, in milliseconds. */
const keepTime = 60_000;
const mostAtOnce = 4;

export interface Look {
  /** "" for all customers. */
  readonly tenant: string;
  readonly timezone: string;
  readonly environment: string;
}

export interface Shown {
  readonly answer: Answer;
  readonly isStale: boolean;
  /** What must be chosen before there can be an answer. */
  readonly missing: string | null;
}

const measuring = new Set(["sum", "avg", "min", "max", "p50", "p90", "p95", "p99"]);

export function needsNumber(metric: string | undefined): boolean {
  return metric !== undefined && measuring.has(metric);
}

/** What must still be chosen before the server can be asked; null when nothing. */
export function missingOf(widget: DraftWidget): string | null {
  const { query } = widget;
  if (!query) return null;
  if (needsNumber(query.metric) && !query.numeric_prop) return words.widget.needsProperty;
  if (needsNumber(query.second_metric) && !query.second_numeric_prop) return words.widget.needsProperty;
  if ((widget.kind === "breakdown" || widget.kind === "table") && !query.group_by) return words.widget.needsGroup;
  if (widget.chart === "pivot" && !query.group_by_2) return words.widget.needsGroup;
  return null;
}

/** The period that customers begin with, where the filter bar has one. */
export function periodOf(config: DraftConfig): string | null {
  const filter = config.filters?.find(({ type }) => type === "period");
  return filter ? filter.default ?? "30d" : null;
}

function bodyOf(widget: DraftWidget, period: string | null, look: Look): Record<string, unknown> {
  return {
    kind: widget.kind, query: { ...widget.query, ...(period !== null && { period }) }, environment: look.environment,
    ...(look.tenant !== "" && { tenant_id: look.tenant }), ...(look.timezone !== "" && { timezone: look.timezone }),
  };
}

/** Answers by their question. */
export type Known = Map<string, { readonly answer: Answer; readonly at: number }>;

interface Answers {
  readonly of: (widget: DraftWidget) => Shown;
  readonly retry: () => void;
}

/** The answers of all widgets on real data: asked for when a question changes, a few at a time, and kept for a minute; `shared` with others where it is given. */
export function useAnswers(widgets: readonly DraftWidget[], period: string | null, look: Look, shared?: Known): Answers {
  const own = useRef<Known>(new Map());
  const known = useRef(shared ?? own.current);
  const latest = useRef(new Map<string, { readonly answer: Answer; readonly form: string }>());
  const [, setRound] = useState(0);
  const redraw = useCallback(() => setRound((before) => before + 1), []);
  const { tenant, timezone, environment } = look;
  const keyOf = useCallback((widget: DraftWidget) => JSON.stringify(bodyOf(widget, period, { tenant, timezone, environment })),
    [period, tenant, timezone, environment]);
  const wanted = useMemo(() => [...new Set(widgets.filter((widget) => showsData(widget) && missingOf(widget) === null).map(keyOf))].join("\n"), [widgets, keyOf]);
  const settled = useSettled(wanted, 180);
  const questions = useRef<Questions>();
  questions.current ??= new Questions(mostAtOnce, async (key, signal) => {
    const answer = await api.post<QueryResult>("/v1/query", JSON.parse(key), { signal }).then(
      (result): Answer => ({ result }),
      (error: unknown): Answer => (isAbort(error) ? null : { error: asApiError(error) }),
    );
    if (answer === null || signal.aborted) return;
    known.current.set(key, { answer, at: Date.now() });
    redraw();
  });
  const pump = useCallback((keys: readonly string[]) => questions.current?.want(keys.filter((key) => Date.now() - (known.current.get(key)?.at ?? 0) > keepTime)), []);
  useEffect(() => pump(settled === "" ? [] : settled.split("\n")), [settled, pump]);
  useEffect(() => () => questions.current?.want([]), []);
  const retry = useCallback(() => {
    for (const [key, { answer }] of known.current) if (answer && "error" in answer) known.current.delete(key);
    pump(settled === "" ? [] : settled.split("\n"));
    redraw();
  }, [pump, redraw, settled]);
  const of = (widget: DraftWidget): Shown => {
    const missing = missingOf(widget);
    if (missing !== null) return { answer: null, isStale: false, missing };
    const found = known.current.get(keyOf(widget));
    // An earlier answer of the same form stays in sight while the next one is on its way, but never one about another customer.
    const form = formOf(widget, tenant, environment);
    if (found) {
      latest.current.set(widget.id, { answer: found.answer, form });
      return { answer: found.answer, isStale: false, missing };
    }
    const before = latest.current.get(widget.id);
    return before && before.form === form ? { answer: before.answer, isStale: true, missing } : { answer: null, isStale: false, missing };
  };
  return { of, retry };
}
