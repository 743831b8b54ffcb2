import { EmbanError } from "./errors";
import { prepared, type StoredEvent } from "./events";
import { IngestError } from "./ingest";
import type { AnyEvent, IngestResult, RejectedEvent } from "./types";

export interface BatcherOptions {
  /** Events that are sent at once when so many wait; 500 when absent. */
  readonly flushAt?: number;
  /** Milliseconds that an event waits at most; 5,000 when absent. */
  readonly flushInterval?: number;
  /** Events that may wait while the server is away; 100,000 when absent. What comes beyond them is lost, with an error. */
  readonly maximumQueue?: number;
  /** A background flush failed. `lost` are events that will not be tried again; without a listener the error is written to the console. */
  readonly onError?: (error: EmbanError, lost: readonly StoredEvent[]) => void;
  /** Events that the server found wrong; without a listener `onError` hears of it. */
  readonly onRejected?: (rejected: readonly (RejectedEvent & { readonly event: StoredEvent })[]) => void;
}

type Send = (events: readonly StoredEvent[]) => Promise<IngestResult>;

const open = new Set<Batcher>();
let isWatching = false;

/** One listener for all: Node.js warns of the eleventh. */
function watchExit(): void {
  if (isWatching) return;
  isWatching = true;
  process.on("beforeExit", () => {
    for (const batcher of open) batcher.flushAtExit();
  });
}

/**
 * Collects events and sends them in the background: when `flushAt` wait, when one has waited for `flushInterval`, when it is closed, and when
 * the process has nothing else to do. `process.exit()` and signals give no time for that: call `close()` before them.
 */
export class Batcher {
  readonly #send: Send;
  readonly #options: BatcherOptions;
  readonly #flushAt: number;
  readonly #flushInterval: number;
  readonly #maximumQueue: number;
  #queue: StoredEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | null = null;
  #failures = 0;
  #isClosed = false;
  #hasTriedAtExit = false;

  constructor(send: Send, options: BatcherOptions) {
    this.#send = send;
    this.#options = options;
    this.#flushAt = positive("flushAt", options.flushAt ?? 500);
    this.#flushInterval = positive("flushInterval", options.flushInterval ?? 5000);
    this.#maximumQueue = positive("maximumQueue", options.maximumQueue ?? 100_000);
    open.add(this);
    watchExit();
  }

  /** Events that wait, those that are being sent included. */
  get size(): number {
    return this.#queue.length;
  }

  /** Takes an event, which gets its id now; false when the queue is full. Throws after `close`. */
  add(event: AnyEvent): boolean {
    if (this.#isClosed) throw new EmbanError("closed", "This batcher is closed.");
    const one = prepared(event);
    if (this.#queue.length >= this.#maximumQueue) {
      this.#report(new EmbanError("queue_full", `${this.#maximumQueue} events wait already.`), [one]);
      return false;
    }
    this.#queue.push(one);
    this.#hasTriedAtExit = false;
    if (this.#queue.length >= this.#flushAt && this.#failures === 0) void this.#inBackground();
    else this.#schedule();
    return true;
  }

  /** Sends everything that waits; rejects when it cannot be sent. What may be sent later stays in the queue. */
  async flush(): Promise<void> {
    // What is being sent may have begun before the last events came.
    await this.#sending?.catch(() => undefined);
    if (this.#queue.length > 0) await this.#start();
  }

  /** Sends everything and takes no more. Rejects when it cannot be sent; `onError` has then been given what is lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.flush();
    } catch (error) {
      this.#report(asError(error), this.#queue.splice(0));
      throw error;
    } finally {
      clearTimeout(this.#timer);
      open.delete(this);
    }
  }

  /** The process would end: one more try, which keeps it alive as long as it takes. */
  flushAtExit(): void {
    if (this.#queue.length === 0 || this.#sending || this.#hasTriedAtExit) return;
    this.#hasTriedAtExit = true;
    void this.#start().catch((error: unknown) => this.#report(asError(error), this.#queue.splice(0)));
  }

  #start(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
      this.#schedule();
    });
    return this.#sending;
  }

  async #inBackground(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      this.#report(asError(error), []);
    }
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      // They stay in the queue until it is known what became of them.
      const events = this.#queue.slice(0, Math.max(this.#flushAt, 1000));
      try {
        const result = await this.#send(events);
        this.#queue.splice(0, events.length);
        this.#failures = 0;
        this.#reject(result, events);
      } catch (error) {
        this.#failed(error, events);
      }
    }
  }

  /** Throws what makes sending go on later. */
  #failed(error: unknown, events: readonly StoredEvent[]): void {
    if (!(error instanceof IngestError)) {
      // The events themselves cannot be written as JSON.
      this.#queue.splice(0, events.length);
      this.#report(asError(error), events);
      return;
    }
    this.#queue.splice(0, events.length - error.unsent.length);
    this.#reject(error.result, events);
    if (error.unsent.length === 0) return;
    if (!error.isTemporary) {
      this.#queue.splice(0, error.unsent.length);
      this.#report(error, error.unsent);
      return;
    }
    this.#failures += 1;
    throw error;
  }

  #reject(result: IngestResult, events: readonly StoredEvent[]): void {
    if (result.rejected === 0) return;
    const known = result.errors.flatMap((rejected) => {
      const event = events[rejected.index];
      return event ? [{ ...rejected, event }] : [];
    });
    if (this.#options.onRejected) {
      this.#options.onRejected(known);
      return;
    }
    const [first] = known;
    this.#report(new EmbanError("events_rejected", `${result.rejected} events are wrong; the first: ${first?.field ?? first?.code ?? ""} ${first?.expected ?? ""}`), []);
  }

  #report(error: EmbanError, lost: readonly StoredEvent[]): void {
    if (this.#options.onError) this.#options.onError(error, lost);
    else console.error(`emban: ${error.code}: ${error.message}${lost.length > 0 ? ` (${lost.length} events lost)` : ""}`);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#sending || this.#queue.length === 0) return;
    const timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#inBackground();
    }, Math.min(60_000, this.#flushInterval * 2 ** this.#failures));
    // An idle process may end: it is asked to send before.
    (timer as { unref?: () => void }).unref?.();
    this.#timer = timer;
  }
}

function asError(error: unknown): EmbanError {
  return error instanceof EmbanError ? error : new EmbanError("unexpected", error instanceof Error ? error.message : String(error));
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new TypeError(`Emban: ${name} must be a positive number`);
  return value;
}
