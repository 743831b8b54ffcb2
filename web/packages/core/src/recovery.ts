import { onWake, Renewal } from "./renewal";

export interface RecoveryOptions {
  /** Asks the customer's back end for a fresh session. */
  readonly fetch: () => Promise<string> | string;
  /** Puts it to use; what it throws counts as a failure to fetch. */
  readonly adopt: (session: string) => void;
  /** The token that is in use, to tell whether a fresh session is another one. */
  readonly token: () => string;
  /** Called once for each spell in which none could be had, after several attempts. */
  readonly failed: (message: string) => void;
  /** All that were brought were refused: no more are asked for until the viewer returns after a while, or the host sets one. */
  readonly gaveUp: () => void;
}

/** Codes of errors that a new session mends. */
const sessionCodes = new Set(["token_missing", "token_invalid", "token_expired", "session_revoked"]);
/** Milliseconds before each fresh session while those brought are refused; one that has shown data starts the count anew. */
const refusedWaits = [0, 1000, 5000, 30_000];
/** After that the viewer's return, or the network's, starts one more attempt, at most this often. */
const lateRetry = 60_000;

/** Keeps a page in sessions: has one brought at first, before the present one ends, and when it was refused. The same for all ways of embedding. */
export class Recovery {
  private readonly renewal: Renewal<string>;
  private readonly endWake: () => void;
  /** Sessions refused since data was last shown. */
  private refusals = 0;
  private refusedAt = 0;
  private isStopped = false;

  constructor(private readonly options: RecoveryOptions) {
    this.renewal = new Renewal(options);
    this.endWake = onWake(() => this.wake());
  }

  /** There is no session, or the present one is about to end. */
  request(): void {
    void this.renewal.request();
  }

  /** Something failed; nothing happens unless a new session mends it. */
  failed(code: unknown): void {
    if (sessionCodes.has(String(code))) void this.recover();
  }

  /** Data was shown, or the host has set a session of its own: what was refused before no longer counts. */
  works(): void {
    this.refusals = 0;
  }

  /** The host has taken the session away: what is being asked for must not bring it back. */
  discard(): void {
    this.refusals = 0;
    this.renewal.discard();
  }

  stop(): void {
    this.isStopped = true;
    this.renewal.stop();
    this.endWake();
  }

  private wake(): void {
    this.renewal.wake();
    if (this.refusals <= refusedWaits.length || Date.now() - this.refusedAt < lateRetry) return;
    this.refusals = 0;
    void this.recover();
  }

  private async recover(): Promise<void> {
    if (this.isStopped) return;
    const wait = refusedWaits[this.refusals];
    this.refusedAt = Date.now();
    if (wait === undefined) {
      if (this.refusals === refusedWaits.length) this.options.gaveUp();
      this.refusals = refusedWaits.length + 1;
      return;
    }
    const refused = this.options.token();
    const attempt = this.renewal.request(wait);
    // Counted only where this refusal was the one that asked: a session that is on its way already is no second failure.
    this.refusals += 1;
    const isFetched = await attempt;
    if (!isFetched) this.refusals = Math.max(0, this.refusals - 1);
    // The same session once more: nobody tries it, and nobody says anything.
    else if (this.refusals > 0 && this.options.token() === refused) await this.recover();
  }
}
