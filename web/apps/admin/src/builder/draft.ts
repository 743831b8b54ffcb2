import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { address, api, ApiError, asApiError } from "../api/client";
import type { Dashboard, DraftConfig } from "../api/types";

/** How long nothing has to change before the draft is saved, in milliseconds. */
const settleTime = 700;
/** Edits of one field that follow each other this closely are one step of undo. */
const mergeTime = 1500;
const mostSteps = 200;

const members = ["name", "slug", "description", "timezone", "live", "layout", "filters", "theme", "widgets"] as const;

/** What of an answer people edit, export and import. */
export function configOf(dashboard: Dashboard | DraftConfig): DraftConfig {
  const found: Record<string, unknown> = {};
  for (const member of members) {
    const value = dashboard[member];
    if (value !== undefined && value !== null) found[member] = value;
  }
  return found as unknown as DraftConfig;
}

export function download(name: string, value: unknown): void {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export type SaveStatus = "saved" | "waiting" | "saving" | "offline" | "invalid" | "conflict" | "failed";

export interface Draft {
  readonly config: DraftConfig;
  /** What the server last answered, without the configuration. */
  readonly meta: Dashboard;
  readonly status: SaveStatus;
  readonly error: ApiError | null;
  /** What somebody else has saved meanwhile. */
  readonly theirs: Dashboard | null;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** `key` names the field: edits of the same one, one after the other, are one step of undo. */
  readonly edit: (change: (config: DraftConfig) => DraftConfig, key?: string) => void;
  readonly undo: () => void;
  readonly redo: () => void;
  /** Saves what is not saved; true when the server has it all. */
  readonly flush: () => Promise<boolean>;
  /** Takes an answer of the server as the new draft, such as after a restore. */
  readonly adopt: (dashboard: Dashboard) => void;
  readonly useTheirs: () => void;
  readonly keepMine: () => void;
  readonly refreshMeta: () => Promise<void>;
}

interface History {
  readonly config: DraftConfig;
  readonly past: readonly DraftConfig[];
  readonly future: readonly DraftConfig[];
  readonly key: string | null;
  readonly at: number;
}

/** The draft being edited: its steps of undo, and its way to the server. */
export function useDraft(initial: Dashboard, canEdit: boolean): Draft {
  const [history, setHistory] = useState<History>(() => ({ config: configOf(initial), past: [], future: [], key: null, at: 0 }));
  const [meta, setMeta] = useState(initial);
  const [status, setStatus] = useState<SaveStatus>("saved");
  const [error, setError] = useState<ApiError | null>(null);
  const [theirs, setTheirs] = useState<Dashboard | null>(null);
  const now = useRef({ config: history.config, saved: JSON.stringify(configOf(initial)), revision: initial.revision, status: "saved" as SaveStatus });
  now.current.config = history.config;
  const running = useRef<Promise<boolean> | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();

  const put = useCallback((next: SaveStatus) => {
    now.current.status = next;
    setStatus(next);
  }, []);

  const save = useCallback(async (): Promise<boolean> => {
    while (running.current) await running.current;
    if (now.current.status === "conflict") return false;
    const { config, revision, saved } = now.current;
    const text = JSON.stringify(config);
    if (text === saved) {
      put("saved");
      return true;
    }
    const attempt = (async () => {
      put("saving");
      try {
        const answer = await api.put<Dashboard>(`/v1/dashboards/${initial.id}`, config, { ifMatch: revision });
        now.current.saved = text;
        now.current.revision = answer.revision;
        setMeta(answer);
        setError(null);
        put(JSON.stringify(now.current.config) === text ? "saved" : "waiting");
        return true;
      } catch (failure) {
        const problem = asApiError(failure);
        setError(problem);
        if (problem.code === "revision_conflict") {
          put("conflict");
          api.get<Dashboard>(`/v1/dashboards/${initial.id}`).then(setTheirs, () => undefined);
        } else put(problem.status === 0 || problem.status >= 500 ? "offline" : problem.status === 422 ? "invalid" : "failed");
        return false;
      }
    })();
    running.current = attempt;
    try {
      return await attempt;
    } finally {
      running.current = null;
    }
  }, [initial.id, put]);

  useEffect(() => {
    if (!canEdit || now.current.status === "conflict") return undefined;
    if (JSON.stringify(history.config) === now.current.saved) {
      // Undone back to what the server has.
      if (now.current.status === "waiting" || now.current.status === "invalid") {
        setError(null);
        put("saved");
      }
      return undefined;
    }
    put(now.current.status === "saving" ? "saving" : "waiting");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void save(), settleTime);
    return () => clearTimeout(timer.current);
  }, [history.config, canEdit, save, put]);

  // What the network held up is tried again.
  useEffect(() => {
    if (status !== "offline" && status !== "waiting") return undefined;
    const again = setTimeout(() => void save(), 5000);
    return () => clearTimeout(again);
  }, [status, save]);

  // Whoever leaves takes nothing along that is not saved.
  useEffect(() => {
    const leave = () => {
      const { config, revision, saved, status: state } = now.current;
      if (!canEdit || state === "conflict" || state === "invalid" || JSON.stringify(config) === saved) return;
      if (running.current) {
        void running.current.then(() => save());
        return;
      }
      void fetch(address(`/v1/dashboards/${initial.id}`), {
        method: "PUT", credentials: "same-origin", keepalive: true, body: JSON.stringify(config),
        headers: { "Content-Type": "application/json", "If-Match": `"${revision}"` },
      }).catch(() => undefined);
    };
    const warn = (event: BeforeUnloadEvent) => {
      if (JSON.stringify(now.current.config) !== now.current.saved && (now.current.status === "conflict" || now.current.status === "invalid")) event.preventDefault();
    };
    window.addEventListener("pagehide", leave);
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("beforeunload", warn);
      clearTimeout(timer.current);
      leave();
    };
  }, [initial.id, canEdit, save]);

  const edit = useCallback(
    (change: (config: DraftConfig) => DraftConfig, key: string | null = null) => {
      if (!canEdit) return;
      setHistory((before) => {
        const config = change(before.config);
        if (config === before.config || JSON.stringify(config) === JSON.stringify(before.config)) return before;
        const at = Date.now();
        const isSame = key !== null && key === before.key && at - before.at < mergeTime;
        return { config, past: isSame ? before.past : [...before.past.slice(-mostSteps), before.config], future: [], key, at };
      });
    },
    [canEdit],
  );
  const undo = useCallback(() => {
    setHistory((before) => {
      const config = before.past[before.past.length - 1];
      return config ? { config, past: before.past.slice(0, -1), future: [before.config, ...before.future], key: null, at: 0 } : before;
    });
  }, []);
  const redo = useCallback(() => {
    setHistory((before) => {
      const [config, ...future] = before.future;
      return config ? { config, past: [...before.past, before.config], future, key: null, at: 0 } : before;
    });
  }, []);
  const adopt = useCallback(
    (dashboard: Dashboard) => {
      const config = configOf(dashboard);
      now.current.saved = JSON.stringify(config);
      now.current.revision = dashboard.revision;
      setMeta(dashboard);
      setTheirs(null);
      setError(null);
      put("saved");
      setHistory((before) => ({ config, past: [...before.past, before.config], future: [], key: null, at: 0 }));
    },
    [put],
  );
  const useTheirs = useCallback(() => theirs && adopt(theirs), [theirs, adopt]);
  const keepMine = useCallback(() => {
    if (!theirs) return;
    now.current.revision = theirs.revision;
    now.current.saved = JSON.stringify(configOf(theirs));
    setTheirs(null);
    put("waiting");
    void save();
  }, [theirs, save, put]);
  const refreshMeta = useCallback(async () => {
    const answer = await api.get<Dashboard>(`/v1/dashboards/${initial.id}`);
    if (answer.revision === now.current.revision) setMeta(answer);
  }, [initial.id]);

  return useMemo(
    () => ({
      config: history.config, meta, status, error, theirs, canUndo: history.past.length > 0, canRedo: history.future.length > 0, edit, undo, redo, flush: save, adopt, useTheirs, keepMine, refreshMeta,
    }),
    [history, meta, status, error, theirs, edit, undo, redo, save, adopt, useTheirs, keepMine, refreshMeta],
  );
}
