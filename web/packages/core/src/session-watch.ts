import type { EmbanError } from "./errors";
import { listen, type LiveConnection, type LiveListener, type StreamSlot } from "./live-connection";

export interface SessionWatchOptions {
  readonly host: string;
  readonly slot: StreamSlot;
  /** The session ended, or was withdrawn. */
  readonly ended: (error: EmbanError) => void;
  /** Answers were thrown away on purpose: asks for those that are shown once more. */
  readonly refresh: () => Promise<"done" | "later" | "failed">;
}

export interface SessionWatchWish {
  /** The session to watch; null for none. */
  readonly token: string | null;
  readonly dashboard: string | null;
  /** Nobody looks at a hidden page: it hears of the end when it is seen again. */
  readonly visible: boolean;
}

/** Milliseconds before another attempt, when the viewer waits for something else, and when the last one failed. */
const afterOthers = 200;
const afterFailure = 5000;
const longestWait = 60_000;

/** Hears of the end of a session on a page that does not refresh by itself, and of answers that were thrown away on purpose. */
export class SessionWatch {
  private wish: SessionWatchWish = { token: null, dashboard: null, visible: true };
  private watched: string | null = null;
  private connection: LiveConnection | null = null;
  private isBehind = false;
  private isRefreshing = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** How often the answers of the session had been thrown away when that was last heard of. */
  private known: { readonly token: string | null; readonly refreshes: number } | null = null;

  private readonly listener: LiveListener = {
    unchangedSince: () => undefined,
    changed: () => {
      this.isBehind = true;
      void this.refresh();
    },
    refreshed: (refreshes) => {
      const { token } = this.wish;
      const isNews = this.known?.token === token && this.known.refreshes !== refreshes;
      this.known = { token, refreshes };
      if (isNews) this.listener.changed();
    },
    connected: () => undefined,
    ended: (error) => {
      this.connection = null;
      this.options.ended(error);
    },
  };

  constructor(private readonly options: SessionWatchOptions) {}

  set(change: Partial<SessionWatchWish>): void {
    this.wish = { ...this.wish, ...change };
    const { token, dashboard, visible } = this.wish;
    const watched = token !== null && visible ? JSON.stringify([token, dashboard]) : null;
    if (watched === this.watched) return;
    this.watched = watched;
    this.connection?.remove(this.listener);
    clearTimeout(this.timer);
    this.connection = watched === null || token === null ? null : listen({ host: this.options.host, token, dashboard, only: "session" }, this.listener, this.options.slot);
    if (watched !== null) void this.refresh();
  }

  /** The network is back. */
  hurry(): void {
    this.connection?.hurry();
  }

  private async refresh(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.isBehind || this.isRefreshing || this.watched === null) return;
    this.isBehind = false;
    this.isRefreshing = true;
    const outcome = await this.options.refresh();
    this.isRefreshing = false;
    this.failures = outcome === "failed" ? this.failures + 1 : 0;
    if (outcome !== "done") this.isBehind = true;
    const wait = outcome === "failed" ? Math.min(longestWait, afterFailure * 2 ** this.failures) : afterOthers;
    if (this.isBehind) this.timer = setTimeout(() => void this.refresh(), wait);
  }
}
