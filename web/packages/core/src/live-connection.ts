import { EmbedClient } from "./client";
import { EmbanError, isRecord } from "./errors";

/** Runs `work` where there is room for one more stream; false when there is none, and it was not run. */
export type StreamSlot = (work: () => Promise<void>) => Promise<boolean>;

/** Who hears of the data of a session. */
export interface LiveListener {
  /** It has last changed at this time (milliseconds, by the server's clock) or before. */
  unchangedSince(time: number): void;
  changed(): void;
  /** So often kept answers were thrown away on purpose, up to now. */
  refreshed?(count: number): void;
  /** Whether changes are heard of at the moment. */
  connected(is: boolean): void;
  /** The session is refused: nothing more will be heard. */
  ended(error: EmbanError): void;
}

/** The server says something every 15 seconds. */
const longestSilence = 40_000;
/** Without room for a stream the server is asked this often when the data has last changed, and whether the session still holds: a second is promised. */
const lookInterval = 700;
const longestWait = 30_000;

const connections = new Map<string, LiveConnection>();

export interface LiveSource {
  readonly host: string;
  readonly token: string;
  /** Where the session opens several: whose changes. */
  readonly dashboard?: string | null;
  /** Nothing about data, only whether the session ends. */
  readonly only?: "session";
}

/** Hears of changes, over one stream for all who show data of the same session on this page. */
export function listen(source: LiveSource, listener: LiveListener, slot: StreamSlot): LiveConnection {
  const { host, token, dashboard = null, only } = source;
  const key = JSON.stringify([host, token, dashboard, only]);
  const client = new EmbedClient({ host, token });
  client.chosen = dashboard;
  const connection = connections.get(key) ?? new LiveConnection(client, slot, () => connections.delete(key), only);
  connections.set(key, connection);
  connection.add(listener);
  return connection;
}

/** One stream of a session, opened again whenever it breaks off. */
export class LiveConnection {
  private readonly listeners = new Set<LiveListener>();
  private readonly abort = new AbortController();
  private isConnected = false;
  private lastOpen: number | null = null;
  private wake: (() => void) | null = null;

  constructor(
    private readonly client: EmbedClient, private readonly slot: StreamSlot, private readonly over: () => void, private readonly only?: "session",
  ) {
    void this.run();
  }

  add(listener: LiveListener): void {
    this.listeners.add(listener);
    if (!this.isConnected) return;
    listener.connected(true);
    if (this.lastOpen !== null) listener.unchangedSince(this.lastOpen);
  }

  /** The last one who leaves closes it. */
  remove(listener: LiveListener): void {
    if (!this.listeners.delete(listener) || this.listeners.size > 0) return;
    this.over();
    this.abort.abort();
    this.wake?.();
  }

  /** The network is back: no more waiting. */
  hurry(): void {
    this.wake?.();
  }

  private tell(say: (listener: LiveListener) => void): void {
    for (const listener of [...this.listeners]) say(listener);
  }

  private setConnected(is: boolean): void {
    if (is === this.isConnected) return;
    this.isConnected = is;
    this.tell((listener) => listener.connected(is));
  }

  private async run(): Promise<void> {
    const { signal } = this.abort;
    for (let failures = 0; !signal.aborted; ) {
      let wait = 0;
      try {
        if (await this.slot(() => this.read(false))) this.setConnected(false);
        else {
          await this.read(true);
          wait = lookInterval;
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        const failure = error instanceof EmbanError ? error : new EmbanError("network", "");
        failures = this.isConnected ? 0 : failures + 1;
        this.setConnected(false);
        if (isFinal(failure)) {
          this.over();
          this.tell((listener) => listener.ended(failure));
          return;
        }
        wait = failure.retryAfter * 1000;
      }
      // Not all at once, when a server has started again.
      const back = wait === lookInterval ? 0 : Math.min(longestWait, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);
      if (!signal.aborted) await this.pause(Math.max(wait, back));
    }
  }

  /** Reads until the server ends the stream; with `once` until it has told when the data last changed. */
  private async read(once: boolean): Promise<void> {
    const abort = new AbortController();
    const stop = () => abort.abort();
    let alarm = setTimeout(stop, longestSilence);
    let isDone = false;
    this.abort.signal.addEventListener("abort", stop, { once: true });
    try {
      await this.client.live((messages) => {
        clearTimeout(alarm);
        alarm = setTimeout(stop, longestSilence);
        for (const { name, data } of messages) {
          if (isRecord(data)) this.hear(name, data);
          isDone = isDone || (once && name === "open");
        }
        if (isDone) stop();
      }, abort.signal, this.only);
    } catch (error) {
      if (!isDone) throw error;
    } finally {
      clearTimeout(alarm);
      this.abort.signal.removeEventListener("abort", stop);
    }
  }

  private hear(name: string, data: Readonly<Record<string, unknown>>): void {
    const code = String(data["code"]);
    const refreshes = data["refreshes"];
    if (typeof refreshes === "number") this.tell((listener) => listener.refreshed?.(refreshes));
    if (name === "open") {
      const time = Date.parse(String(data["data_as_of"]));
      this.lastOpen = Number.isFinite(time) ? time : null;
      this.setConnected(true);
      if (this.lastOpen !== null) this.tell((listener) => listener.unchangedSince(time));
    } else if (name === "changed" && typeof refreshes !== "number") this.tell((listener) => listener.changed());
    else if (name === "revoked") throw new EmbanError("session_revoked", "", 401);
    else if (name === "end" && code !== "shutting_down") throw new EmbanError(code, "", code === "dashboard_not_published" ? 404 : 401);
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake?.(), milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }
}

/** Asking again with the same session would change nothing. */
function isFinal(error: EmbanError): boolean {
  return error.isSession || error.status === 403 || error.status === 404;
}
