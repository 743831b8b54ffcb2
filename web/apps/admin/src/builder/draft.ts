import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { address, api, ApiError, asApiError } from "../api/client";
import type { Dashboard, DraftConfig } from "../api/types";
import { guardLeaving } from "../router";
import { words } from "../words";
import { isSame } from "./diff";
import { begun, edited, redone, undone } from "./history";
import { unsaved } from "./unsaved";

/** How long nothing has to change before the draft is saved, in milliseconds. */
const settleTime = 700;
/** How long after a failed attempt the next one begins, in milliseconds. */
const retryTime = 5000;
/** Browsers let a page that is left send at most 64 KiB. */
const mostWhenLeaving = 60_000;

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
  /** The draft began with changes of an earlier visit that could not be saved then. */
  readonly isRecovered: boolean;
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
  /** What is not saved is not missed: it is kept elsewhere. */
  readonly forget: () => void;
  readonly refreshMeta: () => Promise<void>;
  /** The revision that the server last answered: what is published or restored is what was seen. */
  readonly revision: () => number;
  /** Somebody else was found to have saved meanwhile: takes theirs, or where something is unsaved here asks which of both is to stay. */
  readonly fallBehind: () => Promise<void>;
  /** Puts another content in place of all of it, as the server reads it; what was here is one undo away. */
  readonly replace: (config: DraftConfig) => Promise<void>;
}

const underWay = new Map<string, Promise<void>>();

/** Waits for what is being saved, so that who comes back to a draft at once reads it with their last change. */
export async function saved(id: string): Promise<void> {
  await underWay.get(id);
}

/** The draft being edited: its steps of undo, and its way to the server. */
export function useDraft(initial: Dashboard, canEdit: boolean, person: string): Draft {
  const place = unsaved(person, initial.id);
  const [kept] = useState(() => (canEdit ? place.read(configOf(initial)) : null));
  const isBehind = kept !== null && kept.revision !== initial.revision;
  const [history, setHistory] = useState(() => begun(kept?.config ?? configOf(initial), kept ? [configOf(initial)] : []));
  const [meta, setMeta] = useState(initial);
  const [status, setStatus] = useState<SaveStatus>(isBehind ? "conflict" : "saved");
  const [error, setError] = useState<ApiError | null>(null);
  const [theirs, setTheirs] = useState<Dashboard | null>(isBehind ? initial : null);
  const now = useRef({ config: history.config, saved: JSON.stringify(configOf(initial)), revision: kept?.revision ?? initial.revision, status });
  now.current.config = history.config;
  /** What was sent: when somebody has "saved first" and it is this, the answer to it was lost. */
  const sent = useRef(kept?.config ?? null);
  const running = useRef<Promise<void> | null>(null);
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
        sent.current = null;
        now.current.saved = text;
        now.current.revision = answer.revision;
        place.forget();
        setMeta(answer);
        setError(null);
        put(JSON.stringify(now.current.config) === text ? "saved" : "waiting");
        return true;
      } catch (failure) {
        const problem = asApiError(failure);
        place.keep(now.current.config, revision);
        if (problem.code === "revision_conflict") {
          const other = await api.get<Dashboard>(`/v1/dashboards/${initial.id}`).catch(() => null);
          if (other && [sent.current, config].some((one) => one !== null && isSame(one, configOf(other)))) {
            now.current.saved = JSON.stringify(configOf(other));
            now.current.revision = other.revision;
            return "again" as const;
          }
          setError(problem);
          setTheirs(other);
          put(other ? "conflict" : "offline");
          return false;
        }
        sent.current = config;
        setError(problem);
        put(problem.status === 0 || problem.status === 429 || problem.status >= 500 ? "offline" : problem.status === 422 ? "invalid" : "failed");
        return false;
      }
    })();
    const over = attempt.then(() => undefined);
    running.current = over;
    underWay.set(initial.id, over);
    const outcome = await attempt;
    running.current = null;
    if (underWay.get(initial.id) === over) underWay.delete(initial.id);
    return outcome === "again" ? save() : outcome;
  }, [initial.id, put, place]);

  useEffect(() => {
    if (!canEdit || now.current.status === "conflict") return undefined;
    if (JSON.stringify(history.config) === now.current.saved) {
      // Undone back to what the server has.
      if (now.current.status !== "saved" && now.current.status !== "saving") {
        setError(null);
        place.forget();
        put("saved");
      }
      return undefined;
    }
    put(now.current.status === "saving" ? "saving" : "waiting");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void save(), settleTime);
    return () => clearTimeout(timer.current);
  }, [history.config, canEdit, save, put, place]);

  // What the network held up is tried again.
  useEffect(() => {
    if (status !== "offline" && status !== "waiting") return undefined;
    const again = setTimeout(() => void save(), retryTime);
    const online = () => void save();
    window.addEventListener("online", online);
    return () => {
      clearTimeout(again);
      window.removeEventListener("online", online);
    };
  }, [status, save]);

  // Whoever leaves takes nothing along that is not saved.
  useEffect(() => {
    const leave = (isUnload: boolean) => {
      const { config, revision, saved, status: state } = now.current;
      const text = JSON.stringify(config);
      if (!canEdit || text === saved) return;
      const isLate = state === "conflict" || state === "invalid" || state === "failed" || state === "offline" || text.length > mostWhenLeaving;
      place.keep(config, revision, isUnload && !isLate && !running.current);
      if (state === "conflict" || state === "invalid" || state === "failed") return;
      // Within the console the page lives on, and the last attempt with it.
      if (!isUnload || running.current) {
        void save();
        return;
      }
      if (text.length > mostWhenLeaving) return;
      // Pages may come back as they were: then this is what the server has.
      sent.current = config;
      void fetch(address(`/v1/dashboards/${initial.id}`), {
        method: "PUT", credentials: "same-origin", keepalive: true, body: text, headers: { "Content-Type": "application/json", "If-Match": `"${revision}"` },
      }).then(({ ok }) => ok && place.forget(), () => undefined);
    };
    const hide = () => leave(true);
    const warn = (event: BeforeUnloadEvent) => {
      const text = JSON.stringify(now.current.config);
      const state = now.current.status;
      if (canEdit && text !== now.current.saved
        && (state === "conflict" || state === "invalid" || state === "failed" || state === "offline" || text.length > mostWhenLeaving)) event.preventDefault();
    };
    // What nothing can keep is asked about.
    const unguard = guardLeaving(() => {
      const { config, revision, saved, status: state } = now.current;
      if (!canEdit || state === "saved" || state === "waiting" || state === "saving" || JSON.stringify(config) === saved) return true;
      return place.keep(config, revision) || window.confirm(words.common.unsaved);
    });
    window.addEventListener("pagehide", hide);
    window.addEventListener("beforeunload", warn);
    return () => {
      unguard();
      window.removeEventListener("pagehide", hide);
      window.removeEventListener("beforeunload", warn);
      clearTimeout(timer.current);
      leave(false);
    };
  }, [initial.id, canEdit, save, place]);

  const edit = useCallback(
    (change: (config: DraftConfig) => DraftConfig, key: string | null = null) => {
      if (!canEdit) return;
      setHistory((before) => edited(before, change(before.config), key, Date.now()));
    },
    [canEdit],
  );
  const undo = useCallback(() => setHistory(undone), []);
  const redo = useCallback(() => setHistory(redone), []);
  const adopt = useCallback(
    (dashboard: Dashboard) => {
      const config = configOf(dashboard);
      place.forget();
      // At once, so that nothing of before is saved over it.
      now.current.config = config;
      now.current.saved = JSON.stringify(config);
      now.current.revision = dashboard.revision;
      setMeta(dashboard);
      setTheirs(null);
      setError(null);
      put("saved");
      setHistory((before) => begun(config, [...before.past, before.config]));
    },
    [put, place],
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
  const forget = useCallback(() => {
    now.current.saved = JSON.stringify(now.current.config);
    place.forget();
  }, [place]);
  const fallBehind = useCallback(async () => {
    const other = await api.get<Dashboard>(`/v1/dashboards/${initial.id}`);
    if (other.revision === now.current.revision) return;
    if (JSON.stringify(now.current.config) === now.current.saved) {
      adopt(other);
      return;
    }
    place.keep(now.current.config, now.current.revision);
    setTheirs(other);
    put("conflict");
  }, [initial.id, adopt, place, put]);
  const replace = useCallback(
    async (config: DraftConfig) => {
      while (running.current) await running.current;
      clearTimeout(timer.current);
      const attempt = api.put<Dashboard>(`/v1/dashboards/${initial.id}`, config, { ifMatch: now.current.revision });
      // Nothing else is saved in between.
      running.current = attempt.then(() => undefined, () => undefined);
      try {
        adopt(await attempt);
      } catch (failure) {
        if (asApiError(failure).code === "revision_conflict") void fallBehind().catch(() => undefined);
        throw failure;
      } finally {
        running.current = null;
      }
    },
    [initial.id, adopt, fallBehind],
  );
  const revision = useCallback(() => now.current.revision, []);
  const refreshMeta = useCallback(async () => {
    const answer = await api.get<Dashboard>(`/v1/dashboards/${initial.id}`);
    if (answer.revision === now.current.revision) setMeta(answer);
  }, [initial.id]);

  return useMemo(
    () => ({
      config: history.config, meta, status, error, theirs, canUndo: history.past.length > 0, canRedo: history.future.length > 0, edit, undo, redo,
      flush: save, adopt, useTheirs, keepMine, forget, refreshMeta, revision, fallBehind, replace,
      isRecovered: kept !== null,
    }),
    [history, meta, status, error, theirs, edit, undo, redo, save, adopt, useTheirs, keepMine, forget, refreshMeta, revision, fallBehind, replace, kept],
  );
}
