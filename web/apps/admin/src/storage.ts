/** What this browser remembers. Where it refuses its storage, or has no room left, the page remembers it until it is closed. */
export interface Kept {
  readonly get: (name: string) => string | null;
  readonly set: (name: string, value: string) => void;
  /** Forgets everything whose name begins with `prefix`. */
  readonly forget: (prefix: string) => void;
}

/** @param open may throw: browsers may refuse their storage altogether. */
export function keptIn(open: () => Storage): Kept {
  const memory = new Map<string, string>();
  const inside = <T>(action: (storage: Storage) => T, otherwise: T): T => {
    try {
      return action(open());
    } catch {
      return otherwise;
    }
  };
  return {
    get: (name) => memory.get(name) ?? inside((storage) => storage.getItem(name), null),
    set: (name, value) => {
      if (inside((storage) => (storage.setItem(name, value), true), false)) memory.delete(name);
      else memory.set(name, value);
    },
    forget: (prefix) => {
      for (const name of [...memory.keys()]) if (name.startsWith(prefix)) memory.delete(name);
      inside((storage) => Object.keys(storage).filter((name) => name.startsWith(prefix)).forEach((name) => storage.removeItem(name)), undefined);
    },
  };
}

/** For good, and for all tabs. */
export const browserKept = keptIn(() => localStorage);
/** For as long as this tab is open. */
export const tabKept = keptIn(() => sessionStorage);
