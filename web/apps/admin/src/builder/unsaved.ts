import type { DraftConfig } from "../api/types";

/** Changes that the server did not take, with the revision that they were made on. */
export interface Unsaved {
  readonly config: DraftConfig;
  readonly revision: number;
}

interface Place {
  /** What was kept, unless it is what the server has anyway. */
  readonly read: (saved: string) => Unsaved | null;
  readonly keep: (config: DraftConfig, revision: number) => void;
  readonly forget: () => void;
}

const places = new Map<string, Place>();

/**
 * Where a tab keeps what it could not save: the session ended, the network was away, somebody else came first. It is one person's, and ends with the tab. The same
 * object for the same draft, every time.
 */
export function unsaved(person: string, dashboard: string): Place {
  const key = `emban.unsaved.${person}.${dashboard}`;
  const known = places.get(key);
  if (known) return known;
  const forget = () => sessionStorage.removeItem(key);
  const place: Place = {
    forget,
    keep: (config, revision) => {
      try {
        sessionStorage.setItem(key, JSON.stringify({ config, revision }));
      } catch {
        // There is no room for it: then it is only in the window.
      }
    },
    read: (saved) => {
      try {
        const found = JSON.parse(sessionStorage.getItem(key) ?? "null") as Unsaved | null;
        if (found && JSON.stringify(found.config) !== saved) return found;
      } catch {
        // Not ours.
      }
      forget();
      return null;
    },
  };
  places.set(key, place);
  return place;
}
