/** Laid over the published theme; what is left out stays as published. */
export interface EmbanTheme {
  readonly primaryColor?: string;
  readonly backgroundColor?: string;
  readonly cardBackground?: string;
  readonly cardBorder?: string;
  readonly textColor?: string;
  readonly mutedColor?: string;
  readonly fontFamily?: string;
  readonly logoUrl?: string;
  readonly palette?: readonly string[];
  readonly mode?: "light" | "dark" | "auto";
  readonly poweredBy?: boolean;
}

/** Parts that are named replace those parts of what the viewer has set; null empties one; the rest stays. */
export interface EmbanFilters {
  readonly period?: string | null;
  readonly dimensions?: Readonly<Record<string, string | readonly string[]>> | null;
  readonly numericRanges?: Readonly<Record<string, { readonly min?: number; readonly max?: number }>> | null;
  readonly dateRanges?: { readonly from: string; readonly to: string } | null;
}

/** Payloads by name of the event. */
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
  /** Everything is shown again after a change, a reload or a new session; `whole`: and nothing of it failed. */
  readonly settled: { readonly whole: boolean };
  readonly "token-expiring": { readonly expiresAt: string };
}

export interface EmbanOptions {
  /** Element, or selector of it, that the iframe is put into. */
  readonly container: string | Element;
  /** `embed_url` of `POST /v1/embed-sessions`; may be left out when `fetchEmbedUrl` is given. */
  readonly embedUrl?: string;
  /** Asks your back end for a fresh embed URL; called shortly before the session ends, and when it has ended or was revoked. */
  readonly fetchEmbedUrl?: () => Promise<string> | string;
  readonly theme?: EmbanTheme;
  readonly filters?: EmbanFilters;
  /** Whether the dashboard refreshes by itself when events arrive; the dashboard itself says so when absent. */
  readonly live?: boolean;
  /** Accessible name of the iframe. */
  readonly title?: string;
}

export type EmbanListener<Name extends keyof EmbanEvents> = (event: EmbanEvents[Name]) => void;

export interface EmbanHandle {
  readonly iframe: HTMLIFrameElement;
  on<Name extends keyof EmbanEvents>(event: Name, listener: EmbanListener<Name>): EmbanHandle;
  /** Without a listener: all of that event. */
  off<Name extends keyof EmbanEvents>(event: Name, listener?: EmbanListener<Name>): EmbanHandle;
  setFilters(filters: EmbanFilters): void;
  setTheme(theme: EmbanTheme): void;
  /** Asks for everything again; what the viewer has set stays. */
  reload(): void;
  /** Swaps the session in place; another dashboard is loaded into the same iframe. Throws TypeError for what is no embed URL. */
  setEmbedUrl(embedUrl: string): void;
  /** Removes the iframe and all listeners. */
  destroy(): void;
}
