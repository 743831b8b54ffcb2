import type { DraftConfig } from "../api/types";
import { isSame } from "./diff";

/** Changes that the server did not take, with the revision that they were made on. */
export interface Unsaved {
  readonly config: DraftConfig;
  readonly revision: number;
}

export interface Place {
  /** What was kept, unless the server has it anyway. */
  readonly read: (saved: DraftConfig) => Unsaved | null;
  /**
   * `isSent`: it is on its way to the server while the page goes; then it is kept for this tab only, which may come back before it has arrived.
   * False when there is no room for it.
   */
  readonly keep: (config: DraftConfig, revision: number, isSent?: boolean) => boolean;
  readonly forget: () => void;
}

export type Room = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const places = new Map<string, Place>();

/**
 * Where a browser keeps what it could not save: the session ended, the network was away, somebody else came first. It is one person's. The same
 * object for the same draft, every time.
 */
export function unsaved(person: string, dashboard: string): Place {
  const key = `emban.unsaved.${person}.${dashboard}`;
  const known = places.get(key);
  if (known) return known;
  const place = placeIn(key, room(() => sessionStorage), room(() => localStorage));
  places.set(key, place);
  return place;
}

/** Browsers may refuse their storage altogether. */
function room(open: () => Room): Room | null {
  try {
    return open();
  } catch {
    return null;
  }
}

export function placeIn(key: string, tab: Room | null, browser: Room | null): Place {
  /** What this window has put or found there: what another window keeps is not its to remove. */
  const own = new Map<Room, string>();
  const drop = (from: Room | null) => {
    if (!from) return;
    const mine = own.get(from);
    own.delete(from);
    if (mine !== undefined && from.getItem(key) === mine) from.removeItem(key);
  };
  const forget = () => {
    drop(tab);
    drop(browser);
  };
  const read = (from: Room | null): Unsaved | null => {
    const text = from?.getItem(key) ?? null;
    if (!from || text === null) return null;
    own.set(from, text);
    try {
      const found: unknown = JSON.parse(text);
      if (isUnsaved(found)) return found;
    } catch {
      // Not ours.
    }
    drop(from);
    return null;
  };
  return {
    forget,
    keep: (config, revision, isSent = false) => {
      const into = isSent ? tab : browser;
      const text = JSON.stringify({ config, revision });
      if (!into) return false;
      try {
        into.setItem(key, text);
        own.set(into, text);
        return true;
      } catch {
        return false;
      }
    },
    read: (saved) => {
      const [here, anywhere] = [read(tab), read(browser)];
      const found = here && (!anywhere || here.revision >= anywhere.revision) ? here : anywhere;
      if (found && !isSame(found.config, saved)) return found;
      forget();
      return null;
    },
  };
}

function isUnsaved(value: unknown): value is Unsaved {
  return isObject(value) && typeof value["revision"] === "number" && isDraft(value["config"]);
}

/** Whether `value` has the shape that the builder can draw; what it says may still be wrong. */
export function isDraft(value: unknown): value is DraftConfig {
  if (!isObject(value) || typeof value["name"] !== "string") return false;
  const { widgets = [], filters = [] } = value;
  return Array.isArray(widgets) && widgets.every(isWidget) && Array.isArray(filters)
    && filters.every((filter) => isObject(filter) && typeof filter["id"] === "string" && typeof filter["type"] === "string");
}

function isWidget(value: unknown): boolean {
  if (!isObject(value) || !["id", "title", "kind", "chart"].every((member) => typeof value[member] === "string")) return false;
  const { position, query = {}, options = {} } = value;
  if (!isObject(position) || !["x", "y", "w", "h"].every((member) => typeof position[member] === "number") || !isObject(query) || !isObject(options)) return false;
  const { filters = [] } = query;
  return Array.isArray(filters) && filters.every((filter) => isObject(filter) && Array.isArray(filter["values"]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
