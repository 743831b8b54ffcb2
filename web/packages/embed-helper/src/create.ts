// By file, not by name of the package: types and code of this one stand for themselves.
import { onWake, Renewal } from "../../core/src/renewal";
import { frameUrl, parseEmbedUrl, type EmbedTarget } from "./embed-url";
import type { EmbanFilters, EmbanHandle, EmbanOptions } from "./types";

const events = new Set(["ready", "resize", "drill", "filter", "period-change", "error", "token-expiring"]);
const sessionCodes = new Set(["token_expired", "token_invalid", "session_revoked"]);
/** A page answers before its `load` event; a browser that refuses to show it fires that event, too. */
const blockedAfter = 3000;
const silentAfter = 10_000;
/** Waits before each new session while those fetched are refused; one that has shown data starts the count anew. */
const sessionRetries = [0, 1000, 5000, 30_000];
/** After that the viewer's return, or the network's, starts one more attempt, at most this often. */
const lateRetry = 60_000;

/** Shows a dashboard in an iframe inside `container` and returns the means to talk to it. Throws TypeError for options that cannot work. */
export function create(options: EmbanOptions): EmbanHandle {
  const found = typeof options.container === "string" ? document.querySelector(options.container) : options.container;
  if (!found) throw new TypeError(`Emban: no element matches ${String(options.container)}`);
  const { embedUrl: first, fetchEmbedUrl } = options;
  if (first === undefined && !fetchEmbedUrl) throw new TypeError("Emban: embedUrl or fetchEmbedUrl is required");

  const iframe = document.createElement("iframe");
  iframe.title = options.title ?? "Analytics dashboard";
  const { style } = iframe;
  // Rules of the host page for all of its iframes (`iframe { height: auto !important }`) must not squeeze this one.
  const hold = (property: string, value: string) => style.setProperty(property, value, "important");
  hold("display", "block");
  hold("width", "100%");
  hold("height", "480px");
  hold("min-height", "0");
  hold("max-height", "none");
  hold("border", "0");
  // A browser paints an opaque ground behind a frame whose colour scheme differs from that of its element. The page inside
  // declares none, so that its background may be transparent in dark hosts, too.
  hold("color-scheme", "light");

  const listeners = new Map<string, Set<(event: never) => void>>();
  const queue: Record<string, unknown>[] = [];
  let theme = options.theme;
  let filters = options.filters;
  let target: EmbedTarget | null = null;
  let listening = false;
  let destroyed = false;
  /** Sessions refused since data was last shown. */
  let failures = 0;
  let refusedAt = 0;
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

  const renewal = fetchEmbedUrl && new Renewal<string>({
    fetch: () => fetchEmbedUrl(),
    adopt: setEmbedUrl,
    failed: (message) => emit("error", { code: "embed_url_failed", message: message || "The embed URL could not be fetched." }),
  });

  /** A session was refused: asks for another, less and less often, and gives up in the end. */
  const recover = async (): Promise<void> => {
    if (!renewal || destroyed) return;
    const delay = sessionRetries[failures];
    refusedAt = Date.now();
    if (delay === undefined) {
      if (failures === sessionRetries.length) emit("error", { code: "session_refused", message: "The sessions of fetchEmbedUrl are refused; no more are asked for." });
      failures = sessionRetries.length + 1;
      return;
    }
    const refused = target?.token;
    const attempt = renewal.request(delay);
    // Counted only where this refusal was the one that asked: a session that is on its way already is no second failure.
    failures += 1;
    const fetched = await attempt;
    if (!fetched) failures = Math.max(0, failures - 1);
    // The same session once more: the page has nothing to try, and says nothing.
    else if (failures > 0 && target?.token === refused) await recover();
  };

  const endWake = onWake(() => {
    renewal?.wake();
    if (failures > sessionRetries.length && Date.now() - refusedAt >= lateRetry) {
      failures = 0;
      void recover();
    }
  });

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
      hold("height", `${Math.max(0, Math.ceil(payload["height"]))}px`);
    }
    if (type === "filter") filters = payload["filters"] as EmbanFilters;
    if (type === "token-expiring") void renewal?.request();
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
  if (first === undefined) void renewal?.request();
  else open(parseEmbedUrl(first, document.baseURI));
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
      renewal?.stop();
      endWake();
      window.removeEventListener("message", receive);
      listeners.clear();
      iframe.remove();
    },
  };
  return handle;
}
