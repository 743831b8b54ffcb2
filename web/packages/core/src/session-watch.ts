import type { EmbanError } from "./errors";
import { listen, type LiveConnection, type LiveListener, type StreamSlot } from "./live-connection";

export interface SessionWatchOptions {
  readonly host: string;
  readonly slot: StreamSlot;
  /** The session ended, or was withdrawn. */
  readonly ended: (error: EmbanError) => void;
}

export interface SessionWatchWish {
  /** The session to watch; null for none. */
  readonly token: string | null;
  readonly dashboard: string | null;
  /** Nobody looks at a hidden page: it hears of the end when it is seen again. */
  readonly visible: boolean;
}

/** Hears of the end of a session on a page that does not hear of its data: over a stream that says nothing else. */
export class SessionWatch {
  private wish: SessionWatchWish = { token: null, dashboard: null, visible: true };
  private watched: string | null = null;
  private connection: LiveConnection | null = null;

  private readonly listener: LiveListener = {
    unchangedSince: () => undefined,
    changed: () => undefined,
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
    this.connection = watched === null || token === null ? null : listen({ host: this.options.host, token, dashboard, only: "session" }, this.listener, this.options.slot);
  }

  /** The network is back. */
  hurry(): void {
    this.connection?.hurry();
  }
}
