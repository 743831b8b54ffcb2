import type { Page } from "./types";

/** Pages from `from` on, until there are `wanted` rows or no further page. */
export async function pagesFrom<T>(
  from: string | null, wanted: number, read: (cursor: string | null) => Promise<Page<T>>,
): Promise<{ readonly rows: readonly T[]; readonly cursor: string | null }> {
  let rows: readonly T[] = [];
  let cursor = from;
  do {
    const page = await read(cursor);
    rows = [...rows, ...page.data];
    cursor = page.next_cursor;
  } while (cursor !== null && rows.length < wanted);
  return { rows, cursor };
}
