// By file, not by name of the package: types and code of this one stand for themselves.
import { isOtherCustomer, sessionOf } from "../../core/src/claims";
import { Recovery } from "../../core/src/recovery";
import { isolated } from "../../core/src/report";
import { frameUrl, parseEmbedUrl, type EmbedTarget } from "./embed-url";
import type { EmbanFilters, EmbanHandle, EmbanOptions } from "./types";

const events = new Set(["ready", "resize", "drill", "filter", "period-change", "error", "token-expiring", "settled"]);
/** What the host page's style sheets may say about iframes, and must not about this one. What hides the place around it hides it, too. */
const held: Readonly<Record<string, string>> = {
  display: "block", visibility: "inherit", opacity: "1", position: "static", float: "none", margin: "0", padding: "0", border: "0", "box-sizing": "border-box",
  width: "100%", "min-width": "0", "max-width": "none", "max-height": "none", "aspect-ratio": "auto", transform: "none", translate: "none", rotate: "none",
  scale: "none", zoom: "1", filter: "none", "clip-path": "none", clip: "auto", mask: "none", "mix-blend-mode": "normal", "pointer-events": "inherit",
  "content-visibility": "visible", contain: "none", transition: "none", animation: "none",
  // A browser paints an opaque ground behind a frame whose colour scheme differs from that of its element. The page inside
  // declares none, so that its background may be transparent in dark hosts, too.
  "color-scheme": "light",
};
/** A page answers before its `load` event; a browser that refuses to show it fires that event, too. */
const blockedAfter = 3000;
const silentAfter = 30_000;

/** Shows a dashboard in an iframe inside `container` and returns the means to talk to it. Throws TypeError for options that cannot work. */
export function create(options: EmbanOptions): EmbanHandle {
  const found = typeof options.container === "string" ? document.querySelector(options.container) : options.container;
  if (!found) throw new TypeError(`Emban: no element matches ${String(options.container)}`);
  const { embedUrl: first, fetchEmbedUrl } = options;
  if (first === undefined && !fetchEmbedUrl) throw new TypeError("Emban: embedUrl or fetchEmbedUrl is required");

  const iframe = document.createElement("iframe");
  iframe.title = options.title ?? "Analytics dashboard";
  const hold = (property: string, value: string) => iframe.style.setProperty(property, value, "important");
  for (const [property, value] of Object.entries(held)) hold(property, value);
  const setHeight = (height: number) => {
    hold("height", `${height}px`);
    // A flexible column would squeeze it otherwise.
    hold("min-height", `${height}px`);
  };
  setHeight(480);

  const listeners = new Map<string, Set<(event: never) => void>>();
  const queue: Record<string, unknown>[] = [];
  let theme = options.theme;
  let filters = options.filters;
  let target: EmbedTarget | null = null;
  let listening = false;
  let destroyed = false;
  /** Another page is on its way into the frame: until it says hello, what is said comes from the one before. */
  let isLeaving = false;
  let alarm: ReturnType<typeof setTimeout> | undefined;

  const emit = (name: string, payload: unknown) => {
    for (const listener of [...(listeners.get(name) ?? [])]) isolated(() => (listener as (event: unknown) => void)(payload));
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
    isLeaving = target !== null;
    listening = false;
    queue.length = 0;
    target = next;
    watch(silentAfter, "embed_timeout", `${next.origin} has not answered within ${silentAfter / 1000} seconds.`);
    iframe.src = frameUrl(next, { ...(theme && { theme }), ...(filters && { filters }), live: options.live });
  };

  const setEmbedUrl = (embedUrl: string) => {
    if (destroyed) return;
    const next = parseEmbedUrl(embedUrl, document.baseURI);
    // What one customer has chosen is nothing to another.
    const isOther = target ? isOtherCustomer(target.token, next.token) : false;
    if (isOther) filters = options.filters;
    if (target && listening && next.page === target.page && !isOther) {
      target = next;
      send("setToken", { token: next.token });
    } else {
      // Nor does the address in the frame keep the token of a former customer.
      open(next);
    }
  };

  const recovery = fetchEmbedUrl && new Recovery({
    fetch: () => fetchEmbedUrl(),
    adopt: setEmbedUrl,
    token: () => target?.token ?? "",
    failed: (message) => emit("error", { code: "embed_url_failed", message: message || "The embed URL could not be fetched." }),
    gaveUp: () => emit("error", { code: "session_refused", message: "The sessions of fetchEmbedUrl are refused; no more are asked for." }),
  });

  const receive = (event: MessageEvent) => {
    if (!target || event.source !== iframe.contentWindow || event.origin !== target.origin) return;
    const data: unknown = event.data;
    if (typeof data !== "object" || data === null) return;
    const { _emban, type, session, ...payload } = data as Record<string, unknown>;
    if (_emban !== true || typeof type !== "string") return;
    // Said before the page heard of the session that is in use now.
    if (type === "error" && typeof session === "string" && session !== sessionOf(target.token)) return;
    if (isLeaving && type !== "hello") return;
    isLeaving = false;
    if (!listening) {
      listening = true;
      clearTimeout(alarm);
      for (const message of queue.splice(0)) iframe.contentWindow?.postMessage(message, target.origin);
    }
    if (type === "ready" || type === "settled") recovery?.works();
    if (!events.has(type)) return;
    if (type === "resize" && typeof payload["height"] === "number" && Number.isFinite(payload["height"])) {
      setHeight(Math.max(0, Math.ceil(payload["height"])));
    }
    if (type === "filter") filters = payload["filters"] as EmbanFilters;
    if (type === "token-expiring") recovery?.request();
    if (type === "error") recovery?.failed(payload["code"]);
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
  if (first === undefined) recovery?.request();
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
      recovery?.works();
      setEmbedUrl(embedUrl);
    },
    destroy() {
      destroyed = true;
      clearTimeout(alarm);
      recovery?.stop();
      window.removeEventListener("message", receive);
      listeners.clear();
      iframe.remove();
    },
  };
  return handle;
}
