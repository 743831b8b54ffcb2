import { useCallback, useEffect, useRef, useState, type DependencyList } from "react";
import { api, ApiError, asApiError, isAbort, type Query } from "./client";
import { pagesFrom } from "./pages";
import { browserKept } from "../storage";
import type { Page } from "./types";

export interface Loaded<T> {
  /** The last good answer: it stays while another one is on its way, so that nothing jumps. */
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
  readonly set: (data: T) => void;
}

interface LoadState<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly isLoading: boolean;
  /** Of what the data are, and by which question they were found. */
  readonly place: string;
  readonly asked: string;
}

/**
 * What `load` brings, anew whenever `deps` change; answers that came too late are dropped. Data of one `place`, such as an environment, are not shown for another
 * while that one loads; and a question that fails leaves nothing that was found by another.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: DependencyList, place = ""): Loaded<T> {
  const asked = JSON.stringify(deps);
  const [state, setState] = useState<LoadState<T>>({ data: null, error: null, isLoading: true, place, asked });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => (before.place === place ? { ...before, isLoading: true } : { data: null, error: null, isLoading: true, place, asked }));
    load(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ data, error: null, isLoading: false, place, asked }),
      (error: unknown) =>
        !abort.signal.aborted && !isAbort(error) &&
        setState((before) => ({ data: before.asked === asked ? before.data : null, error: asApiError(error), isLoading: false, place, asked })),
    );
    return () => abort.abort();
  }, [asked, place, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  useOnline(state.error, reload);
  const set = useCallback((data: T) => setState((before) => ({ ...before, data, error: null, isLoading: false })), []);
  if (state.place !== place) return { data: null, error: null, isLoading: true, reload, set };
  return { data: state.data, error: state.error, isLoading: state.isLoading, reload, set };
}

/** Whose data a question is about. */
function placeOf(path: string | null, query: Query): string {
  return JSON.stringify([path, query["environment"] ?? "", query["tenant_id"] ?? ""]);
}

/** What could not be asked for without a connection is asked for when it is back. */
function useOnline(error: ApiError | null, reload: () => void): void {
  const isCutOff = error?.code === "network";
  useEffect(() => {
    if (!isCutOff) return undefined;
    window.addEventListener("online", reload);
    return () => window.removeEventListener("online", reload);
  }, [isCutOff, reload]);
}

export function useGet<T>(path: string | null, query: Query = {}): Loaded<T> {
  return useLoad<T>((signal) => (path === null ? new Promise<T>(() => undefined) : api.get<T>(path, query, signal)), [path, JSON.stringify(query)], placeOf(path, query));
}

export interface List<T> {
  readonly rows: readonly T[] | null;
  readonly error: ApiError | null;
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  readonly more: () => void;
  readonly reload: () => void;
  /** Puts changed rows in place at once. */
  readonly update: (change: (rows: readonly T[]) => readonly T[]) => void;
}

/** Beyond this a list is not read whole by itself. */
const mostRows = 10_000;

/** A list that comes in pages; with `all` one page after the other, for whoever searches or chooses in it. */
export function useList<T>(path: string | null, query: Query = {}, options: { readonly all?: boolean } = {}): List<T> {
  const place = placeOf(path, query);
  const asked = JSON.stringify([path, query]);
  const [state, setState] = useState<LoadState<readonly T[]> & { readonly cursor: string | null }>({
    data: null, cursor: null, error: null, isLoading: true, place, asked,
  });
  const [round, setRound] = useState(0);
  const running = useRef<AbortController | null>(null);
  const latest = useRef(state);
  latest.current = state;
  const fetchFrom = useCallback(
    (from: string | null, wanted: number) => {
      if (path === null) return;
      running.current?.abort();
      const abort = new AbortController();
      running.current = abort;
      setState((before) => (before.place === place ? { ...before, isLoading: true } : { data: null, cursor: null, error: null, isLoading: true, place, asked }));
      pagesFrom<T>(from, wanted, (cursor) => api.get<Page<T>>(path, { ...query, cursor }, abort.signal)).then(
        ({ rows, cursor }) =>
          !abort.signal.aborted && setState((before) => ({ data: from === null ? rows : [...(before.data ?? []), ...rows], cursor, error: null, isLoading: false, place, asked })),
        (error: unknown) =>
          !abort.signal.aborted && !isAbort(error) &&
          setState((before) => ({ ...(before.asked === asked ? before : { data: null, cursor: null }), error: asApiError(error), isLoading: false, place, asked })),
      );
    },
    [asked],
  );
  useEffect(() => {
    // As far as it was read before.
    fetchFrom(null, latest.current.asked === asked ? latest.current.data?.length ?? 0 : 0);
    return () => running.current?.abort();
  }, [fetchFrom, round]);
  const isOther = state.place !== place;
  const mayGoOn = options.all === true && !isOther && !state.isLoading && !state.error && state.asked === asked && (state.data?.length ?? 0) < mostRows;
  useEffect(() => {
    if (mayGoOn && state.cursor !== null) fetchFrom(state.cursor, 0);
  }, [mayGoOn, state.cursor, fetchFrom]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  useOnline(state.error, reload);
  const update = useCallback((change: (rows: readonly T[]) => readonly T[]) => setState((before) => ({ ...before, data: change(before.data ?? []) })), []);
  if (isOther) return { rows: null, error: null, isLoading: true, hasMore: false, more: () => undefined, reload, update };
  return {
    rows: state.data, error: state.error, isLoading: state.isLoading, hasMore: state.cursor !== null, more: () => fetchFrom(state.cursor, 0), reload, update,
  };
}

/** One action at a time, with its failure. */
export function useAction<A extends readonly unknown[]>(
  action: (...args: A) => Promise<void>,
): { readonly run: (...args: A) => void; readonly isBusy: boolean; readonly error: ApiError | null; readonly clear: () => void } {
  const [state, setState] = useState<{ isBusy: boolean; error: ApiError | null }>({ isBusy: false, error: null });
  const latest = useRef(action);
  latest.current = action;
  const isRunning = useRef(false);
  const mounted = useMounted();
  const run = useCallback((...args: A) => {
    if (isRunning.current) return;
    isRunning.current = true;
    setState({ isBusy: true, error: null });
    latest.current(...args).then(
      () => {
        isRunning.current = false;
        if (mounted.current) setState({ isBusy: false, error: null });
      },
      (error: unknown) => {
        isRunning.current = false;
        if (mounted.current) setState({ isBusy: false, error: isAbort(error) ? null : asApiError(error) });
      },
    );
  }, []);
  const clear = useCallback(() => setState({ isBusy: false, error: null }), []);
  return { run, ...state, clear };
}

export function useMounted(): { readonly current: boolean } {
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  return mounted;
}

/** `value` once it has stayed the same for `delay` milliseconds. */
export function useSettled<T>(value: T, delay: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delay);
    return () => clearTimeout(timer);
  }, [value, delay]);
  return settled;
}

/** Calls `action` every `seconds` while the page is visible; null stops. */
export function useEvery(seconds: number | null, action: () => void): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    if (seconds === null) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && latest.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

/** A value that this browser remembers. */
export function useStored<T>(key: string, initial: T): readonly [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      const kept = browserKept.get(key);
      return kept === null ? initial : (JSON.parse(kept) as T);
    } catch {
      return initial;
    }
  });
  const store = useCallback(
    (next: T) => {
      setValue(next);
      browserKept.set(key, JSON.stringify(next));
    },
    [key],
  );
  return [value, store];
}
