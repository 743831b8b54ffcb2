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
  /**
   * Events that are wrong; without a listener `onError` hears of it. `count` is how many there are: more than are listed where the server named only
   * the first hundred of a request.
   */
  readonly onRejected?: (rejected: readonly (RejectedEvent & { readonly event: StoredEvent })[], count: number) => void;
}

/** What became of the events that were added. */
export interface BatcherStats {
  readonly queued: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Not taken, refused, or given up at the end. */
  readonly lost: number;
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
/** How often events are sent that some proxy refuses, whose page says nothing of Emban. */
const strangeAnswers = 8;
/** The longest that a timer of JavaScript can wait. */
const longestTimer = 2 ** 31 - 1;

const open = new Set<Batcher>();
let isWatching = false;

/** One listener for all: Node.js warns of the eleventh. */
function watchExit(): void {
  if (isWatching) return;
  isWatching = true;
  process.on("beforeExit", () => {
    for (const batcher of open) batcher.flushAtExit();
  });
  process.on("exit", () => {
    for (const batcher of open) batcher.giveUpAtExit();
  });
}

/**
 * Collects events and sends them in the background: when `flushAt` wait, when one has waited for `flushInterval`, when it is closed, and when
 * the process has nothing else to do. `process.exit()` gives no time for that, and `onError` hears what is lost; signals do not even give time for
 * that: call `close()` before them.
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
  /** In a row: answers of something that is not Emban, and not a server that is away. */
  #strange = 0;
  #accepted = 0;
  #rejected = 0;
  #lost = 0;
  readonly #abort = new AbortController();

  constructor(send: Send, options: BatcherOptions) {
    this.#send = send;
    this.#options = options;
    this.#flushAt = positive("flushAt", options.flushAt ?? 500);
    this.#flushInterval = Math.min(longestTimer, positive("flushInterval", options.flushInterval ?? 5000));
    this.#maximumQueue = positive("maximumQueue", options.maximumQueue ?? 100_000);
    open.add(this);
    watchExit();
  }

  /** Events that wait, those that are being sent included. */
  get size(): number {
    return this.#queue.length;
  }

  /** What became of all events so far. */
  get stats(): BatcherStats {
    return { queued: this.#queue.length, accepted: this.#accepted, rejected: this.#rejected, lost: this.#lost };
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

  /**
   * Sends everything that waits. Rejects with an `IngestError` when that cannot be done now: its `unsent` are the events that stay in the queue, to be
   * tried again. Resolves when everything is settled: stored, or told of to `onRejected` and `onError`.
   */
  async flush(): Promise<void> {
    try {
      await this.#flush();
    } catch (error) {
      throw this.#undelivered(asError(error), this.#queue);
    }
  }

  async #flush(): Promise<void> {
    // What is being sent may have begun before the last events came.
    await this.#sending?.catch(() => undefined);
    if (this.#queue.length > 0) await this.#start();
  }

  /**
   * Sends everything and takes no more. Rejects with an `IngestError` when that cannot be done, or not in time: its `unsent` are the events that are
   * given up, which `onError` has been given, too.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeout === undefined ? undefined : Math.min(longestTimer, positive("timeout", options.timeout)));
    return this.#closing;
  }

  async #close(timeout: number | undefined): Promise<void> {
    let isLate = false;
    const alarm = timeout === undefined ? undefined : setTimeout(() => {
      isLate = true;
      this.#abort.abort();
    }, timeout);
    try {
      await this.#flush();
    } catch (error) {
      const cause = isLate ? new EmbanError("timeout", `there were only ${timeout} ms`, { cause: error }) : asError(error);
      const lost = this.#queue.splice(0);
      const told = this.#undelivered(cause, lost);
      this.#lose(told, lost);
      throw told;
    } finally {
      clearTimeout(alarm);
      clearTimeout(this.#timer);
      open.delete(this);
    }
  }

  #undelivered(error: EmbanError, events: readonly StoredEvent[]): IngestError {
    const { code, status, requestId, details, retryAfter, body, cause } = error;
    const count = events.length === 1 ? "An event was" : `${events.length} events were`;
    const rejected = this.#rejected;
    return new IngestError(
      new EmbanError(code, `${count} not sent: ${error.message}`, { status, requestId, details, retryAfter, body, cause }),
      { accepted: this.#accepted, rejected, status: rejected > 0 ? "partial" : "ok", errors: [] }, [...events]);
  }

  /** The process would end: one more try, which keeps it alive as long as it takes. */
  flushAtExit(): void {
    if (this.#queue.length === 0 || this.#sending || this.#hasTriedAtExit) return;
    this.#hasTriedAtExit = true;
    void this.#start().catch((error: unknown) => this.#lose(asError(error), this.#queue.splice(0)));
  }

  /** The process ends at once, and nothing can be sent any more: it is told of. */
  giveUpAtExit(): void {
    if (this.#queue.length > 0) this.#lose(new EmbanError("not_sent", "The process ended first: call close() before process.exit()."), this.#queue.splice(0));
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
      this.#count(result, events);
    }
  }

  /** Throws what makes sending go on later. */
  #failed(error: unknown, events: readonly StoredEvent[]): void {
    if (!(error instanceof IngestError)) {
      this.#done(events, []);
      this.#lose(asError(error), events);
      return;
    }
    const isLater = this.#maySucceedLater(error);
    // Those that are wrong stand anywhere among the others: what is left is known by name only.
    this.#done(events, isLater ? error.unsent : []);
    this.#count(error.result, events);
    if (error.unsent.length === 0) return;
    if (!isLater) {
      this.#lose(error, error.unsent);
      return;
    }
    this.#failures += 1;
    throw error;
  }

  /** An answer that is not Emban's says nothing of the events, as a broken connection does. One that refuses them (403, say) may do so for ever. */
  #maySucceedLater(error: EmbanError): boolean {
    if (error.isTemporary || error.code === "aborted") return true;
    if (!error.isForeign) return false;
    if (error.status < 400 || error.status === 404) return true;
    this.#strange += 1;
    return this.#strange < strangeAnswers;
  }

  /** `events`, from the front of the queue, are over and done with, but for those `left`. */
  #done(events: readonly StoredEvent[], left: readonly StoredEvent[]): void {
    this.#queue = [...left, ...this.#queue.slice(events.length)];
    if (left.length === 0) this.#failures = this.#strange = 0;
  }

  #overflowed(event: StoredEvent): void {
    this.#overflow += 1;
    this.#lost += 1;
    const now = performance.now();
    if (now - this.#overflowTold < reminder) return;
    const count = this.#overflow === 1 ? "an event was" : `${this.#overflow} events were`;
    this.#overflow = 0;
    this.#overflowTold = now;
    this.#report(new EmbanError("queue_full", `${this.#maximumQueue} events wait already: ${count} not taken.`), [event]);
  }

  #count(result: IngestResult, events: readonly StoredEvent[]): void {
    this.#accepted += result.accepted;
    this.#rejected += result.rejected;
    if (result.rejected === 0) return;
    const known = result.errors.flatMap((rejected) => {
      const event = events[rejected.index];
      return event ? [{ ...rejected, event }] : [];
    });
    const { onRejected } = this.#options;
    if (onRejected) {
      call(() => onRejected(known, result.rejected));
      return;
    }
    const [first] = known;
    this.#report(new EmbanError("events_rejected", `${result.rejected} events are wrong; the first: ${first?.field ?? first?.code ?? ""} ${first?.expected ?? ""}`), []);
  }

  #lose(error: EmbanError, lost: readonly StoredEvent[]): void {
    this.#lost += lost.length;
    this.#report(error, lost);
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
    }, Math.max(this.#flushInterval, Math.min(longestBackoff, this.#flushInterval * 2 ** Math.min(this.#failures, 30))));
    // An idle process may end: it is asked to send before.
    (timer as { unref?: () => void }).unref?.();
    this.#timer = timer;
  }
}

/** An event as it is now: what its owner does with the object later, and when it is sent, makes no difference. */
function taken(event: AnyEvent): StoredEvent {
  const one: Record<string, unknown> & { readonly event_id: string } = { ...prepared(event) };
  one["timestamp"] ??= new Date().toISOString();
  if (one["timestamp"] instanceof Date) one["timestamp"] = new Date(one["timestamp"].getTime());
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
