import { EmbanError, isRecord } from "./errors";
import { prepared, type StoredEvent } from "./events";
import { IngestError } from "./ingest";
import type { RequestOptions } from "./transport";
import type { AnyEvent, IngestResult, RejectedEvent } from "./types";

export interface BatcherOptions {
  /** Events that are sent at once when so many wait; 500 when absent. */
  readonly flushAt?: number;
  /** Milliseconds that an event waits at most; 5,000 when absent. */
  readonly flushInterval?: number;
  /** Events that may wait while the server is away; 100,000 when absent. `add` does not take what comes beyond them. */
  readonly maximumQueue?: number;
  /**
   * Something went wrong in the background: once for each attempt to send, which become ever less frequent. `lost` are events that will not be tried
   * again. `queue_full` is told when the queue runs full and then once a minute at most, with the last event that was not taken. Without a listener
   * the error is written to the console.
   */
  readonly onError?: (error: EmbanError, lost: readonly StoredEvent[]) => void;
  /** Events that the server found wrong; without a listener `onError` hears of it. */
  readonly onRejected?: (rejected: readonly (RejectedEvent & { readonly event: StoredEvent })[]) => void;
}

export interface CloseOptions {
  /** Milliseconds after which what has not been sent is given up; without it the repetitions of all requests are waited for. */
  readonly timeout?: number;
}

type Send = (events: readonly StoredEvent[], options: RequestOptions) => Promise<IngestResult>;

/** Attempts of a server that is away are at most this far apart, in milliseconds, where `flushInterval` is not longer. */
const longestBackoff = 60_000;
/** That the queue is full is said again after this many milliseconds. */
const reminder = 60_000;

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
  #closing: Promise<void> | null = null;
  #hasTriedAtExit = false;
  /** Events that were not taken since the host was told, and when that was. */
  #overflow = 0;
  #overflowTold = -Infinity;
  readonly #abort = new AbortController();

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

  /** Takes an event, which gets its id and, without a timestamp, this moment's; false when the queue is full. Throws after `close`. */
  add(event: AnyEvent): boolean {
    if (this.#closing) throw new EmbanError("closed", "This batcher is closed.");
    const one = taken(event);
    if (this.#queue.length >= this.#maximumQueue) {
      this.#overflowed(one);
      return false;
    }
    this.#queue.push(one);
    this.#hasTriedAtExit = false;
    if (this.#queue.length >= this.#flushAt && this.#failures === 0) this.#inBackground();
    else this.#schedule();
    return true;
  }

  /** Sends everything that waits; rejects when it cannot be sent. What may be sent later stays in the queue. */
  async flush(): Promise<void> {
    // What is being sent may have begun before the last events came.
    await this.#sending?.catch(() => undefined);
    if (this.#queue.length > 0) await this.#start();
  }

  /** Sends everything and takes no more. Rejects when it cannot be sent, or not in time; `onError` has then been given what is lost. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeout === undefined ? undefined : positive("timeout", options.timeout));
    return this.#closing;
  }

  async #close(timeout: number | undefined): Promise<void> {
    let isLate = false;
    const alarm = timeout === undefined ? undefined : setTimeout(() => {
      isLate = true;
      this.#abort.abort();
    }, timeout);
    try {
      await this.flush();
    } catch (error) {
      const cause = isLate ? new EmbanError("timeout", `Not everything could be sent within ${timeout} ms.`, { cause: error }) : asError(error);
      this.#report(cause, this.#queue.splice(0));
      throw cause;
    } finally {
      clearTimeout(alarm);
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

  /** What is being sent takes along what came meanwhile; whoever began it tells of its failure, so that it is told once. */
  #inBackground(): void {
    if (this.#sending) return;
    void this.#start().catch((error: unknown) => {
      // Who closes it tells of that.
      if (!this.#abort.signal.aborted) this.#report(asError(error), []);
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      // They stay in the queue until it is known what became of them.
      const events = this.#queue.slice(0, Math.max(this.#flushAt, 1000));
      let result: IngestResult;
      try {
        result = await this.#send(events, { signal: this.#abort.signal });
      } catch (error) {
        this.#failed(error, events);
        continue;
      }
      this.#done(events, []);
      this.#reject(result, events);
    }
  }

  /** Throws what makes sending go on later. */
  #failed(error: unknown, events: readonly StoredEvent[]): void {
    if (!(error instanceof IngestError)) {
      this.#done(events, []);
      this.#report(asError(error), events);
      return;
    }
    const isLater = error.isTemporary || error.code === "aborted";
    // Those that are wrong stand anywhere among the others: what is left is known by name only.
    this.#done(events, isLater ? error.unsent : []);
    this.#reject(error.result, events);
    if (error.unsent.length === 0) return;
    if (!isLater) {
      this.#report(error, error.unsent);
      return;
    }
    this.#failures += 1;
    throw error;
  }

  /** `events`, from the front of the queue, are over and done with, but for those `left`. */
  #done(events: readonly StoredEvent[], left: readonly StoredEvent[]): void {
    this.#queue = [...left, ...this.#queue.slice(events.length)];
    if (left.length === 0) this.#failures = 0;
  }

  #overflowed(event: StoredEvent): void {
    this.#overflow += 1;
    const now = performance.now();
    if (now - this.#overflowTold < reminder) return;
    const count = this.#overflow === 1 ? "an event was" : `${this.#overflow} events were`;
    this.#overflow = 0;
    this.#overflowTold = now;
    this.#report(new EmbanError("queue_full", `${this.#maximumQueue} events wait already: ${count} not taken.`), [event]);
  }

  #reject(result: IngestResult, events: readonly StoredEvent[]): void {
    if (result.rejected === 0) return;
    const known = result.errors.flatMap((rejected) => {
      const event = events[rejected.index];
      return event ? [{ ...rejected, event }] : [];
    });
    const { onRejected } = this.#options;
    if (onRejected) {
      call(() => onRejected(known));
      return;
    }
    const [first] = known;
    this.#report(new EmbanError("events_rejected", `${result.rejected} events are wrong; the first: ${first?.field ?? first?.code ?? ""} ${first?.expected ?? ""}`), []);
  }

  #report(error: EmbanError, lost: readonly StoredEvent[]): void {
    const { onError } = this.#options;
    if (onError) call(() => onError(error, lost));
    else console.error(`emban: ${error.code}: ${error.message}${lost.length > 0 ? ` (${lost.length} events lost)` : ""}`);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#sending || this.#queue.length === 0) return;
    const timer = setTimeout(() => {
      this.#timer = undefined;
      this.#inBackground();
    }, Math.max(this.#flushInterval, Math.min(longestBackoff, this.#flushInterval * 2 ** this.#failures)));
    // An idle process may end: it is asked to send before.
    (timer as { unref?: () => void }).unref?.();
    this.#timer = timer;
  }
}

/** An event as it is now: what its owner does with the object later, and when it is sent, makes no difference. */
function taken(event: AnyEvent): StoredEvent {
  const one: Record<string, unknown> & { readonly event_id: string } = { ...prepared(event) };
  one["timestamp"] ??= new Date().toISOString();
  for (const name of ["string_props", "numeric_props"]) {
    const properties = one[name];
    if (isRecord(properties)) one[name] = { ...properties };
  }
  return one;
}

/** A listener that fails is the host's matter: it must not cost events, nor end the process. */
function call(listener: () => unknown): void {
  const told = (error: unknown) => console.error("emban: a listener of the batcher failed:", error);
  try {
    Promise.resolve(listener()).catch(told);
  } catch (error) {
    told(error);
  }
}

function asError(error: unknown): EmbanError {
  return error instanceof EmbanError ? error : new EmbanError("unexpected", error instanceof Error ? error.message : String(error));
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new TypeError(`Emban: ${name} must be a positive number`);
  return value;
}
