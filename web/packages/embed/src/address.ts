/** What the address of the page carries: the session, and what the helper adds to it. */
export interface Address {
  readonly token: string;
  readonly theme: unknown;
  readonly filters: unknown;
  readonly autoheight: boolean;
  /** What the host wants, whatever the dashboard says. */
  readonly live: boolean | null;
}

/** Reads `#token=…` (or `?token=…`). Values that are not JSON where JSON is expected are left out. */
export function readAddress(search: string, hash: string): Address {
  const query = new URLSearchParams(search);
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    token: fragment.get("token") ?? query.get("token") ?? "",
    theme: json(fragment.get("theme")),
    filters: json(fragment.get("filters")),
    autoheight: fragment.get("autoheight") === "1",
    live: { "1": true, "0": false }[fragment.get("live") ?? ""] ?? null,
  };
}

/** The address without anything that must not stay visible, be bookmarked or be sent on. */
export function cleanAddress(href: string): string {
  const url = new URL(href);
  url.searchParams.delete("token");
  url.searchParams.delete("session");
  url.hash = "";
  return url.pathname + url.search;
}

/** Id or slug of the dashboard that the page's address names; null when it names none. */
export function dashboardOf(pathname: string): string | null {
  const name = /\/embed\/([^/]+)\/?$/.exec(pathname)?.[1];
  if (name === undefined) return null;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function json(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
