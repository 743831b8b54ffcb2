import type { DraftConfig } from "../api/types";

/** Edits of one field that follow each other this closely are one step of undo, in milliseconds. */
const mergeTime = 1500;
const mostSteps = 200;

/** The draft with its steps of undo and redo. */
export interface History {
  readonly config: DraftConfig;
  readonly past: readonly DraftConfig[];
  readonly future: readonly DraftConfig[];
  readonly key: string | null;
  readonly at: number;
}

export function begun(config: DraftConfig, past: readonly DraftConfig[] = []): History {
  return { config, past, future: [], key: null, at: 0 };
}

/** `key` names the field: edits of the same one, one after the other, are one step of undo. */
export function edited(history: History, config: DraftConfig, key: string | null, at: number): History {
  if (config === history.config || JSON.stringify(config) === JSON.stringify(history.config)) return history;
  const isSame = key !== null && key === history.key && at - history.at < mergeTime;
  return { config, past: isSame ? history.past : [...history.past.slice(-mostSteps), history.config], future: [], key, at };
}

export function undone(history: History): History {
  const config = history.past[history.past.length - 1];
  return config ? { config, past: history.past.slice(0, -1), future: [history.config, ...history.future], key: null, at: 0 } : history;
}

export function redone(history: History): History {
  const [config, ...future] = history.future;
  return config ? { config, past: [...history.past, history.config], future, key: null, at: 0 } : history;
}
