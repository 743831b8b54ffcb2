import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { isOtherCustomer } from "../../../core/src/claims";
import { isolated } from "../../../core/src/report";
import { create } from "../create";
import { parseEmbedUrl } from "../embed-url";
import type { EmbanEvents, EmbanFilters, EmbanHandle, EmbanTheme } from "../types";

/** Functions may be made anew for each render: the frame stays, and the newest one is called. */
export interface EmbanEmbedOptions {
  /** `embed_url` of `POST /v1/embed-sessions`; absent or empty while your page is still asking for it. A new one swaps the session in place. */
  readonly embedUrl?: string | null | undefined;
  /** Asks your back end for a fresh embed URL; called shortly before the session ends, and first of all when there is no `embedUrl`. */
  readonly fetchEmbedUrl?: (() => Promise<string> | string) | undefined;
  /** Laid over the published theme; a changed one is shown at once. */
  readonly theme?: EmbanTheme | undefined;
  /** Applied at first and when their content changes; meanwhile the viewer may change them. */
  readonly filters?: EmbanFilters | undefined;
  /** Whether the dashboard refreshes by itself; the dashboard says so when absent. A change loads the frame anew. */
  readonly live?: boolean | undefined;
  /** Accessible name of the iframe. */
  readonly title?: string | undefined;
  readonly onReady?: ((event: EmbanEvents["ready"]) => void) | undefined;
  readonly onResize?: ((event: EmbanEvents["resize"]) => void) | undefined;
  readonly onDrill?: ((event: EmbanEvents["drill"]) => void) | undefined;
  readonly onFilter?: ((event: EmbanEvents["filter"]) => void) | undefined;
  readonly onPeriodChange?: ((event: EmbanEvents["period-change"]) => void) | undefined;
  readonly onTokenExpiring?: ((event: EmbanEvents["token-expiring"]) => void) | undefined;
  readonly onError?: ((event: EmbanEvents["error"]) => void) | undefined;
}

/** What a host may do with the dashboard inside; before the frame is there it is kept for it. */
export interface EmbanEmbedControls {
  /** Replaces the parts that it names; null empties one. */
  setFilters(filters: EmbanFilters): void;
  setTheme(theme: EmbanTheme): void;
  reload(): void;
  /** Swaps the session in place. */
  setEmbedUrl(embedUrl: string): void;
  /** Null before the first effect, and without a session. */
  readonly iframe: HTMLIFrameElement | null;
}

export interface EmbanEmbed extends EmbanEmbedControls {
  /** Give it to the element that shall hold the iframe: `<div ref={embed.ref} />`. */
  readonly ref: (element: HTMLElement | null) => void;
  /** The dashboard is shown. */
  readonly isReady: boolean;
  /** The last error since everything was shown; null when there is none. */
  readonly error: EmbanEvents["error"] | null;
}

/** What is known beyond renders, and what a frame that is made anew begins with. */
interface Kept {
  handle: EmbanHandle | null;
  url: string | null;
  /** No frame could be made of `url`. */
  isBroken: boolean;
  theme: EmbanTheme;
  themeGiven: string;
  filters: EmbanFilters;
  filtersGiven: string;
  /** The token that was shown last, also by a frame before this one. */
  token: string;
  /** The `embedUrl` of the last render. */
  given: string;
  /** What the next frame begins with: the newest that was given, set or fetched. */
  newest: string;
}

const tokenOf = (embedUrl: string): string => {
  try {
    return parseEmbedUrl(embedUrl, document.baseURI).token;
  } catch {
    // Whoever makes a frame of it says so.
    return "";
  }
};

const contentOf = (value: unknown): string => JSON.stringify(value ?? null);

/** An Emban dashboard in an iframe inside an element of yours. */
export function useEmbanEmbed(options: EmbanEmbedOptions): EmbanEmbed {
  const { embedUrl, fetchEmbedUrl, theme, filters, live, title } = options;
  const [container, setContainer] = useState<HTMLElement | null>(null);
  const [isReady, setReady] = useState(false);
  const [error, setError] = useState<EmbanEvents["error"] | null>(null);
  /** Counts addresses that no frame could be made of: the next one is a new attempt. */
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(options);
  const kept = useRef<Kept>({ handle: null, url: null, isBroken: false, theme: {}, themeGiven: "null", filters: {}, filtersGiven: "null", token: "", given: "", newest: "" });
  const canFetch = fetchEmbedUrl !== undefined;
  const canShow = canFetch || Boolean(embedUrl);
  const themeContent = contentOf(theme);
  const filtersContent = contentOf(filters);

  // The first of the effects: the others and all events find what this render was given.
  useEffect(() => {
    latest.current = options;
    const { current } = kept;
    if (current.given !== (options.embedUrl ?? "")) current.given = current.newest = options.embedUrl ?? "";
  });

  const fail = useCallback((code: string, cause: unknown) => {
    const event = { code, message: cause instanceof Error ? cause.message : String(cause) };
    setError(event);
    isolated(() => latest.current.onError?.(event));
  }, []);

  /** What one customer has chosen is nothing to another. Says whether it is another one. */
  const meet = useCallback((url: string) => {
    const { current } = kept;
    const token = tokenOf(url);
    const isOther = isOtherCustomer(current.token, token);
    if (isOther) current.filters = latest.current.filters ?? {};
    if (token) current.token = token;
    return isOther;
  }, []);

  const swap = useCallback((url: string) => {
    const { current } = kept;
    current.url = current.newest = url;
    meet(url);
    try {
      current.handle?.setEmbedUrl(url);
    } catch (cause) {
      fail("invalid_embed_url", cause);
    }
  }, [fail, meet]);

  useEffect(() => {
    const { current } = kept;
    if (current.themeGiven !== themeContent) {
      current.themeGiven = themeContent;
      current.theme = { ...current.theme, ...latest.current.theme };
      if (latest.current.theme) current.handle?.setTheme(latest.current.theme);
    }
    if (current.filtersGiven !== filtersContent) {
      current.filtersGiven = filtersContent;
      current.filters = { ...current.filters, ...latest.current.filters };
      if (latest.current.filters) current.handle?.setFilters(latest.current.filters);
    }
  }, [themeContent, filtersContent]);

  useEffect(() => {
    if (!container || !canShow) return undefined;
    const { current } = kept;
    const { newest: url } = current;
    const { title: name } = latest.current;
    let handle: EmbanHandle;
    if (url) meet(url);
    const fetchUrl = async () => {
      const fetched = (await latest.current.fetchEmbedUrl?.()) ?? "";
      // A frame that began with the choices of another customer gives way to one that did not.
      const isOther = fetched !== "" && meet(fetched);
      if (fetched) current.newest = fetched;
      if (isOther) setAttempt((count) => count + 1);
      return fetched;
    };
    try {
      handle = create({
        container,
        ...(url && { embedUrl: url }),
        ...(canFetch && { fetchEmbedUrl: fetchUrl }),
        theme: current.theme, filters: current.filters,
        ...(live !== undefined && { live }),
        ...(name !== undefined && { title: name }),
      });
    } catch (cause) {
      current.url = url || null;
      current.isBroken = true;
      fail("invalid_embed_url", cause);
      return undefined;
    }
    current.handle = handle;
    current.url = url || null;
    current.isBroken = false;
    handle.on("ready", (event) => {
      setReady(true);
      setError(null);
      latest.current.onReady?.(event);
    });
    handle.on("settled", ({ whole }) => {
      if (whole) setError(null);
    });
    handle.on("resize", (event) => latest.current.onResize?.(event));
    handle.on("drill", (event) => latest.current.onDrill?.(event));
    handle.on("filter", (event) => {
      current.filters = event.filters;
      latest.current.onFilter?.(event);
    });
    handle.on("period-change", (event) => latest.current.onPeriodChange?.(event));
    handle.on("token-expiring", (event) => latest.current.onTokenExpiring?.(event));
    handle.on("error", (event) => {
      setError(event);
      latest.current.onError?.(event);
    });
    return () => {
      handle.destroy();
      current.handle = null;
      setReady(false);
    };
  }, [container, canShow, canFetch, live, attempt, fail, meet]);

  useEffect(() => {
    const { handle, url, isBroken } = kept.current;
    if (!embedUrl || embedUrl === url) return;
    if (handle) swap(embedUrl);
    else if (isBroken) setAttempt((count) => count + 1);
  }, [embedUrl, swap]);

  useEffect(() => {
    const iframe = kept.current.handle?.iframe;
    if (iframe && title !== undefined) iframe.title = title;
  }, [title]);

  const controls = useMemo<EmbanEmbedControls>(() => ({
    setFilters(next) {
      kept.current.filters = { ...kept.current.filters, ...next };
      kept.current.handle?.setFilters(next);
    },
    setTheme(next) {
      kept.current.theme = { ...kept.current.theme, ...next };
      kept.current.handle?.setTheme(next);
    },
    reload: () => kept.current.handle?.reload(),
    setEmbedUrl: swap,
    get iframe() {
      return kept.current.handle?.iframe ?? null;
    },
  }), [swap]);

  return useMemo<EmbanEmbed>(() => ({
    ref: setContainer, isReady, error,
    setFilters: controls.setFilters, setTheme: controls.setTheme, reload: controls.reload, setEmbedUrl: controls.setEmbedUrl,
    get iframe() {
      return controls.iframe;
    },
  }), [controls, isReady, error]);
}
