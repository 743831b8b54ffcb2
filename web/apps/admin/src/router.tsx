import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent, type ReactNode } from "react";

/** All addresses of the console begin with this. */
const base = "/app";
const listeners = new Set<() => void>();
/** Asked before a page is left; one that answers false keeps it. */
const guards = new Set<() => boolean>();

export interface Place {
  /** Below `/app`, with a slash at the beginning and none at the end: `/dashboards/dash_1`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

let current = read();

function read(): Place {
  const path = location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";
  return { path: path.replace(/\/+$/, "") || "/", query: new URLSearchParams(location.search) };
}

function changed(): void {
  current = read();
  for (const listener of listeners) listener();
}

export function startRouter(): void {
  window.addEventListener("popstate", changed);
}

export function usePlace(): Place {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  if (![...guards].every((guard) => guard())) return;
  const url = base + (to === "/" ? "" : to);
  if (options.replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  changed();
  window.scrollTo(0, 0);
}

/** Changes the query of the address without leaving the page. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text === "" ? "" : `?${text}`));
  changed();
}

export function guardLeaving(guard: () => boolean): () => void {
  guards.add(guard);
  return () => guards.delete(guard);
}

export function href(to: string): string {
  return base + (to === "/" ? "" : to);
}

/** The parts of `path` that `pattern` names with a colon, or null when it is another path. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const names = pattern.split("/");
  const parts = path.split("/");
  if (names.length !== parts.length) return null;
  const found: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const part = parts[index] ?? "";
    if (name.startsWith(":")) found[name.slice(1)] = decode(part);
    else if (name !== part) return null;
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  readonly to: string;
  readonly children?: ReactNode;
}

export function Link({ to, onClick, ...rest }: LinkProps): JSX.Element {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={href(to)} onClick={follow} {...rest} />;
}
