import { frameUrl, parseEmbedUrl, type EmbedTarget } from "./embed-url";

export { frameUrl, parseEmbedUrl } from "./embed-url";
export type { EmbedTarget, FragmentOptions } from "./embed-url";

declare global {
  interface Window {
    /** Defined by `/sdk/emban-embed.js`. */
    Emban?: { create: typeof create };
  }
}

export interface EmbanTheme {
  readonly primaryColor?: string;
  readonly backgroundColor?: string;
  readonly cardBackground?: string;
  readonly cardBorder?: string;
  readonly textColor?: string;
  readonly mutedColor?: string;
  readonly fontFamily?: string;
  readonly mode?: "light" | "dark" | "auto";
}

export interface EmbanFilters {
  readonly period?: string | null;
  readonly dimensions?: Readonly<Record<string, string | readonly string[]>> | null;
  readonly numericRanges?: Readonly<Record<string, { readonly min?: number; readonly max?: number }>> | null;
  readonly dateRanges?: { readonly from: string; readonly to: string } | null;
}

export interface EmbanEvents {
  readonly ready: { readonly dashboardId?: string; readonly name?: string };
  readonly resize: { readonly height: number; readonly width: number };
  readonly drill: {
    readonly dimension: string;
    readonly value: string;
    readonly widgetId: string;
    /** The bucket of time that was clicked, half-open. */
    readonly range?: { readonly from: string; readonly to: string };
    readonly secondDimension?: string;
    readonly secondValue?: string;
  };
  readonly filter: { readonly filters: EmbanFilters };
  readonly "period-change": { readonly period: string };
  readonly error: { readonly code: string; readonly message: string };
  readonly "token-expiring": { readonly expiresAt: string };
}

export interface EmbanOptions {
  /** Element, or selector of it, that the iframe is put into. */
  readonly container: string | Element;
  /** `embed_url` of `POST /v1/embed-sessions`; may be left out when `fetchEmbedUrl` is given. */
  readonly embedUrl?: string;
  /** Asks your back end for a fresh embed URL; called shortly before the session ends, and when it has ended. */
  readonly fetchEmbedUrl?: () => Promise<string> | string;
  readonly theme?: EmbanTheme;
  readonly filters?: EmbanFilters;
  /** Whether the dashboard refreshes by itself when events arrive; the dashboard itself says so when absent. */
  readonly live?: boolean;
  /** Accessible name of the iframe. */
  readonly title?: string;
}

type Listener<Name extends keyof EmbanEvents> = (event: EmbanEvents[Name]) => void;

export interface EmbanHandle {
  readonly iframe: HTMLIFrameElement;
  on<Name extends keyof EmbanEvents>(event: Name, listener: Listener<Name>): EmbanHandle;
  off<Name extends keyof EmbanEvents>(event: Name, listener?: Listener<Name>): EmbanHandle;
  setFilters(filters: EmbanFilters): void;
  setTheme(theme: EmbanTheme): void;
  reload(): void;
  /** Swaps the session in place; another dashboard is loaded into the same iframe. */
  setEmbedUrl(embedUrl: string): void;
  destroy(): void;
}

const events = new Set(["ready", "resize", "drill", "filter", "period-change", "error", "token-expiring"]);
const sessionCodes = new Set(["token_expired", "token_invalid", "session_revoked"]);
/** A page answers before its `load` event; a browser that refuses to show it fires that event, too. */
const blockedAfter = 3000;
const silentAfter = 10_000;
const refreshRetries = [1000, 4000, 15000, 60000];
/** Waits before each new session while those fetched are refused; one that has shown data starts the count anew. */
const sessionRetries = [0, 1000, 5000, 30_000];

const pause = (wait: number) => new Promise((resolve) => setTimeout(resolve, wait));

/** Shows a dashboard in an iframe inside `container` and returns the means to talk to it. */
export function create(options: EmbanOptions): EmbanHandle {
  const found = typeof options.container === "string" ? document.querySelector(options.container) : options.container;
  if (!found) throw new TypeError(`Emban: no element matches ${String(options.container)}`);
  if (options.embedUrl === undefined && !options.fetchEmbedUrl) throw new TypeError("Emban: embedUrl or fetchEmbedUrl is required");

  const iframe = document.createElement("iframe");
  iframe.title = options.title ?? "Analytics dashboard";
  const { style } = iframe;
  style.display = "block";
  style.width = "100%";
  style.height = "480px";
  style.border = "0";
  // A browser paints an opaque ground behind a frame whose colour scheme differs from that of its element. The page inside
  // declares none, so that its background may be transparent in dark hosts, too.
  style.colorScheme = "light";

  const listeners = new Map<string, Set<(event: never) => void>>();
  const queue: Record<string, unknown>[] = [];
  let theme = options.theme;
  let filters = options.filters;
  let target: EmbedTarget | null = null;
  let listening = false;
  let destroyed = false;
  let refreshing = false;
  /** Sessions refused since data was last shown. */
  let failures = 0;
  let alarm: ReturnType<typeof setTimeout> | undefined;

  const emit = (name: string, payload: unknown) => {
    for (const listener of [...(listeners.get(name) ?? [])]) {
      try {
        (listener as (event: unknown) => void)(payload);
      } catch (error) {
        // A fault in the host's listener must not stop the others; it still shows in the console.
        setTimeout(() => {
          throw error;
        });
      }
    }
  };

  const send = (type: string, payload: Record<string, unknown> = {}) => {
    const message = { _emban: true, type, ...payload };
    if (listening && target && iframe.contentWindow) iframe.contentWindow.postMessage(message, target.origin);
    else queue.push(message);
  };

  /** Says so when the page has not spoken after a while, instead of showing nothing and keeping silent. */
  const watch = (wait: number, code: string, message: string) => {
    clearTimeout(alarm);
    alarm = setTimeout(() => emit("error", { code, message }), wait);
  };

  const open = (next: EmbedTarget) => {
    listening = false;
    queue.length = 0;
    target = next;
    watch(silentAfter, "embed_timeout", `${next.origin} has not answered within ${silentAfter / 1000} seconds.`);
    iframe.src = frameUrl(next, { ...(theme && { theme }), ...(filters && { filters }), live: options.live });
  };

  const setEmbedUrl = (embedUrl: string) => {
    if (destroyed) return;
    const next = parseEmbedUrl(embedUrl, document.baseURI);
    if (target && listening && next.page === target.page) {
      target = next;
      send("setToken", { token: next.token });
    } else open(next);
  };

  /** True when a session was fetched. */
  const refresh = async (delay = 0): Promise<boolean> => {
    const fetchEmbedUrl = options.fetchEmbedUrl;
    if (!fetchEmbedUrl || refreshing) return false;
    refreshing = true;
    try {
      if (delay > 0) await pause(delay);
      for (let attempt = 0; !destroyed; attempt += 1) {
        try {
          setEmbedUrl(await fetchEmbedUrl());
          return true;
        } catch (error) {
          const wait = refreshRetries[attempt];
          if (wait === undefined) {
            emit("error", { code: "embed_url_failed", message: error instanceof Error ? error.message : "The embed URL could not be fetched." });
            return false;
          }
          await pause(wait);
        }
      }
      return false;
    } finally {
      refreshing = false;
    }
  };

  /** A session was refused: asks for another, less and less often, and gives up in the end. */
  const recover = async (): Promise<void> => {
    if (!options.fetchEmbedUrl || refreshing || destroyed) return;
    const delay = sessionRetries[failures];
    failures += 1;
    if (delay === undefined) {
      if (failures === sessionRetries.length + 1) emit("error", { code: "session_refused", message: "The sessions of fetchEmbedUrl are refused; no more are asked for." });
      return;
    }
    const refused = target?.token;
    const fetched = await refresh(delay);
    // The same session once more: the page has nothing to try, and says nothing.
    if (fetched && failures > 0 && target?.token === refused) await recover();
  };

  const receive = (event: MessageEvent) => {
    if (!target || event.source !== iframe.contentWindow || event.origin !== target.origin) return;
    const data: unknown = event.data;
    if (typeof data !== "object" || data === null) return;
    const { _emban, type, ...payload } = data as Record<string, unknown>;
    if (_emban !== true || typeof type !== "string") return;
    if (!listening) {
      listening = true;
      clearTimeout(alarm);
      for (const message of queue.splice(0)) iframe.contentWindow?.postMessage(message, target.origin);
    }
    if (type === "ready" || type === "settled") failures = 0;
    if (!events.has(type)) return;
    if (type === "resize" && typeof payload["height"] === "number" && Number.isFinite(payload["height"])) {
      style.height = `${Math.max(0, Math.ceil(payload["height"]))}px`;
    }
    if (type === "filter") filters = payload["filters"] as EmbanFilters;
    if (type === "token-expiring") void refresh();
    if (type === "error" && sessionCodes.has(String(payload["code"]))) void recover();
    emit(type, payload);
  };

  window.addEventListener("message", receive);
  // The page answers `hello`, also where the browser does not tell it who its parent is.
  iframe.addEventListener("load", () => {
    if (!target || !iframe.contentWindow) return;
    iframe.contentWindow.postMessage({ _emban: true, type: "hello" }, target.origin);
    if (!listening) {
      watch(blockedAfter, "embed_blocked", `The dashboard was not shown: the browser cannot reach ${target.origin}, or the session's allowed_origins do not name ${location.origin}.`);
    }
  });
  if (options.embedUrl === undefined) void refresh();
  else open(parseEmbedUrl(options.embedUrl, document.baseURI));
  found.append(iframe);

  const handle: EmbanHandle = {
    iframe,
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener as (event: never) => void));
      return handle;
    },
    off(name, listener) {
      if (listener) listeners.get(name)?.delete(listener as (event: never) => void);
      else listeners.delete(name);
      return handle;
    },
    setFilters(next) {
      filters = { ...filters, ...next };
      send("setFilters", { filters: next });
    },
    setTheme(next) {
      theme = { ...theme, ...next };
      send("setTheme", { theme: next });
    },
    reload: () => send("reload"),
    setEmbedUrl(embedUrl) {
      failures = 0;
      setEmbedUrl(embedUrl);
    },
    destroy() {
      destroyed = true;
      clearTimeout(alarm);
      window.removeEventListener("message", receive);
      listeners.clear();
      iframe.remove();
    },
  };
  return handle;
}
