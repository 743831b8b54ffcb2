import type { DraftConfig, DraftWidget } from "../api/types";
import { words } from "../words";

export type ChangeKind = "added" | "removed" | "changed" | "moved";

export interface WidgetChange {
  readonly id: string;
  readonly kind: ChangeKind;
  readonly before: DraftWidget | null;
  readonly after: DraftWidget | null;
  /** Which members differ. */
  readonly fields: readonly string[];
}

export interface Difference {
  readonly widgets: readonly WidgetChange[];
  /** Members of the dashboard itself that differ. */
  readonly parts: readonly string[];
  readonly count: number;
}

const compared = ["title", "description", "kind", "chart", "query", "format", "options"] as const;

/** What the draft does to what customers see. */
export function diff(live: DraftConfig | null, draft: DraftConfig): Difference {
  const before = new Map((live?.widgets ?? []).map((widget) => [widget.id, widget]));
  const after = new Map((draft.widgets ?? []).map((widget) => [widget.id, widget]));
  const widgets: WidgetChange[] = [];
  for (const [id, widget] of after) {
    const earlier = before.get(id);
    if (!earlier) {
      widgets.push({ id, kind: "added", before: null, after: widget, fields: [] });
      continue;
    }
    const fields: string[] = compared.filter((member) => canonical(earlier[member]) !== canonical(widget[member]));
    const isMoved = canonical(earlier.position) !== canonical(widget.position);
    if (fields.length > 0) widgets.push({ id, kind: "changed", before: earlier, after: widget, fields: isMoved ? [...fields, "position"] : fields });
    else if (isMoved) widgets.push({ id, kind: "moved", before: earlier, after: widget, fields: ["position"] });
  }
  for (const [id, widget] of before) if (!after.has(id)) widgets.push({ id, kind: "removed", before: widget, after: null, fields: [] });
  const parts = Object.keys(words.publish.parts).filter((part) => canonical(valueOf(live, part)) !== canonical(valueOf(draft, part)));
  return { widgets, parts: live ? parts : [], count: widgets.length + (live ? parts.length : 0) };
}

function valueOf(config: DraftConfig | null, part: string): unknown {
  const value = (config as Readonly<Record<string, unknown>> | null)?.[part];
  if (part === "filters") return value ?? [];
  if (part === "theme") return value ?? {};
  if (part === "layout") return (value as { row_height?: number } | undefined)?.row_height ?? 80;
  return value === "" || value === false ? undefined : value;
}

/**
 * Whether the server has `mine` when it answers `theirs`: it fills in what was not said and leaves out what says nothing; and an address that was
 * emptied stays what it was.
 */
export function isSame(mine: DraftConfig, theirs: DraftConfig): boolean {
  return canonical(plain(mine)) === canonical(plain(mine.slug ? theirs : { ...theirs, slug: "" }));
}

function plain({ live, layout, widgets, ...rest }: DraftConfig): unknown {
  return {
    ...rest, live: live || null, layout: layout?.row_height ?? 80,
    widgets: widgets?.map(({ query, ...widget }) => ({
      ...widget, query: query && { ...query, period: query.period ?? "30d", order: query.order === "asc" ? "asc" : null, other: query.other || null },
    })),
  };
}

/** The same text for the same content, whatever the order of members; absent, empty and null are alike. */
export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(sorted);
  if (typeof value !== "object" || value === null) return value === undefined || value === "" ? null : value;
  const entries = Object.entries(value).map(([key, entry]) => [key, sorted(entry)] as const).filter(([, entry]) => entry !== null);
  if (entries.length === 0) return null;
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
