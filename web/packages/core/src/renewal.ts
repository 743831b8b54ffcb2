export interface RenewalOptions<Session> {
  /** Asks the customer's back end for a fresh session. */
  readonly fetch: () => Promise<Session> | Session;
  /** Puts it to use; what it throws counts as a failure to fetch. */
  readonly adopt: (session: Session) => void;
  /** Called once for each spell in which none could be had, after several attempts. */
  readonly failed: (message: string) => void;
  /** Of [0, 1). */
  readonly random?: () => number;
}

/** Waits between attempts that fail, in milliseconds; the last one repeats. */
const waits = [1000, 4000, 15_000, 60_000, 300_000];
/** Failures before the host is told. */
const patience = 5;
/** An answer that does not come: the laptop went to sleep, or the network away, while it was asked for. */
const longestFetch = 25_000;
/** However many signs of life come at once, that many milliseconds lie between two attempts. */
const leastPause = 1000;

/**
 * Brings fresh sessions, one request at a time. Failures are repeated, ever less often, until one is there: at once when the browser is online
 * again, or the page is looked at again.
 */
export class Renewal<Session> {
  private isRunning = false;
  private isStopped = false;
  /** Counts what was called off: an answer to it is nobody's any more. */
  private generation = 0;
  private lastAttempt = -Infinity;
  private skip: (() => void) | null = null;
  /** A sign of life came while an attempt was under way, which may have begun without a network. */
  private isWoken = false;

  constructor(private readonly options: RenewalOptions<Session>) {}

  /** Asks for a session after `delay` milliseconds; nothing when one is being asked for. Resolves to whether it was fetched by this call. */
  async request(delay = 0): Promise<boolean> {
    if (this.isRunning || this.isStopped) return false;
    this.isRunning = true;
    const { generation } = this;
    const isOver = () => this.isStopped || generation !== this.generation;
    try {
      if (delay > 0) await this.pause(delay);
      for (let failures = 0; !isOver(); ) {
        try {
          this.lastAttempt = Date.now();
          this.isWoken = false;
          const session = await this.attempt();
          if (isOver()) return false;
          this.options.adopt(session);
          return true;
        } catch (error) {
          if (isOver()) return false;
          failures += 1;
          if (failures === patience) this.options.failed(error instanceof Error ? error.message : "");
          const wait = this.isWoken ? leastPause : (waits[Math.min(failures, waits.length) - 1] ?? leastPause);
          await this.pause(wait);
        }
      }
      return false;
    } finally {
      if (generation === this.generation) this.isRunning = false;
    }
  }

  /** Calls off what is being asked for, as when somebody signs out meanwhile; the next request begins anew. */
  discard(): void {
    this.generation += 1;
    this.isRunning = false;
    this.skip?.();
  }

  /** Online again, or awake: no more waiting. */
  wake(): void {
    const since = Date.now() - this.lastAttempt;
    const { skip } = this;
    if (!skip) this.isWoken = this.isRunning;
    else if (since >= leastPause || since < 0) skip();
    else setTimeout(skip, leastPause - since);
  }

  stop(): void {
    this.isStopped = true;
    this.skip?.();
  }

  private attempt(): Promise<Session> {
    return new Promise<Session>((resolve, reject) => {
      const alarm = setTimeout(() => reject(new Error("No answer came in time.")), longestFetch);
      const settle = () => clearTimeout(alarm);
      new Promise<Session>((start) => start(this.options.fetch())).then(resolve, reject).finally(settle);
    });
  }

  /** Up to a quarter longer than `wait`: what sent many pages away at once must not have them come back at once. */
  private pause(wait: number): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    const uneven = wait * (1 + (this.options.random ?? Math.random)() / 4);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        if (this.skip === done) this.skip = null;
        resolve();
      };
      const timer = setTimeout(done, uneven);
      this.skip = done;
    });
  }
}

/** Calls `wake` whenever the page may have been asleep or offline. Returns what ends that. */
export function onWake(wake: () => void): () => void {
  const seen = () => {
    if (document.visibilityState !== "hidden") wake();
  };
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", seen);
  return () => {
    window.removeEventListener("online", wake);
    window.removeEventListener("pageshow", wake);
    document.removeEventListener("visibilitychange", seen);
  };
}
