import { useCallback, useEffect, useRef, useState, type DependencyList } from "react";
import { api, ApiError, asApiError, isAbort, type Query } from "./client";
import type { Page } from "./types";

export interface Loaded<T> {
  /** The last good answer: it stays while another one is on its way, so that nothing jumps. */
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
  readonly set: (data: T) => void;
}

/** What `load` brings, anew whenever `deps` change; answers that came too late are dropped. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: DependencyList): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; error: ApiError | null; isLoading: boolean }>({ data: null, error: null, isLoading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    load(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ data, error: null, isLoading: false }),
      (error: unknown) => !abort.signal.aborted && !isAbort(error) && setState((before) => ({ ...before, error: asApiError(error), isLoading: false })),
    );
    return () => abort.abort();
  }, [...deps, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  useOnline(state.error, reload);
  const set = useCallback((data: T) => setState({ data, error: null, isLoading: false }), []);
  return { ...state, reload, set };
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
  return useLoad<T>((signal) => (path === null ? new Promise<T>(() => undefined) : api.get<T>(path, query, signal)), [path, JSON.stringify(query)]);
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

/** A list that comes in pages. */
export function useList<T>(path: string | null, query: Query = {}): List<T> {
  const [state, setState] = useState<{ rows: readonly T[] | null; cursor: string | null; error: ApiError | null; isLoading: boolean }>({
    rows: null, cursor: null, error: null, isLoading: true,
  });
  const [round, setRound] = useState(0);
  const key = JSON.stringify([path, query]);
  const running = useRef<AbortController | null>(null);
  const fetchPage = useCallback(
    (cursor: string | null) => {
      if (path === null) return;
      running.current?.abort();
      const abort = new AbortController();
      running.current = abort;
      setState((before) => ({ ...before, isLoading: true }));
      api.get<Page<T>>(path, { ...query, cursor }, abort.signal).then(
        (page) =>
          !abort.signal.aborted &&
          setState((before) => ({ rows: cursor === null ? page.data : [...(before.rows ?? []), ...page.data], cursor: page.next_cursor, error: null, isLoading: false })),
        (error: unknown) => !abort.signal.aborted && !isAbort(error) && setState((before) => ({ ...before, error: asApiError(error), isLoading: false })),
      );
    },
    [key],
  );
  useEffect(() => {
    fetchPage(null);
    return () => running.current?.abort();
  }, [fetchPage, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  useOnline(state.error, reload);
  const update = useCallback((change: (rows: readonly T[]) => readonly T[]) => setState((before) => ({ ...before, rows: change(before.rows ?? []) })), []);
  return {
    rows: state.rows, error: state.error, isLoading: state.isLoading, hasMore: state.cursor !== null, more: () => fetchPage(state.cursor), reload, update,
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
      const kept = localStorage.getItem(key);
      return kept === null ? initial : (JSON.parse(kept) as T);
    } catch {
      return initial;
    }
  });
  const store = useCallback(
    (next: T) => {
      setValue(next);
      localStorage.setItem(key, JSON.stringify(next));
    },
    [key],
  );
  return [value, store];
}
