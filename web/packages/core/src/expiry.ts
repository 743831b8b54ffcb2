/** Hosts are told this long before the session ends, or after three quarters of a short one. */
const notice = 60_000;
/** A timer does not run while the machine sleeps: it is looked at again this often. */
const lookInterval = 20_000;
/** The host that has not brought a session yet is reminded, but not more often than this. */
const reminder = 5000;

/**
 * Says when a session is about to end, by the server's clock: that of the browser may be minutes off, or be set meanwhile. What has passed
 * is measured by both of the browser's clocks, and the greater holds: one may be set back, the other stands still while the machine sleeps.
 */
export class ExpiryWatch {
  private expiresAt = "";
  /** Milliseconds from the time of `set` to the end, and to the notice. */
  private length = Infinity;
  private due = Infinity;
  private wall = 0;
  private steady = 0;
  private told = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly expiring: (expiresAt: string) => void) {}

  /** Times as the server has them: when the session ends, and when it said so. */
  set(expiresAt: string | undefined, serverTime: string | undefined): void {
    this.stop();
    const length = Date.parse(expiresAt ?? "") - (serverTime === undefined ? Date.now() : Date.parse(serverTime));
    if (expiresAt === undefined || !Number.isFinite(length)) return;
    this.expiresAt = expiresAt;
    this.length = length;
    this.due = length - Math.min(notice, length / 4);
    this.wall = Date.now();
    this.steady = performance.now();
    this.told = -Infinity;
    this.wait();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.length = Infinity;
    this.due = Infinity;
  }

  /** The page woke up: looks at once, and reminds the host. */
  check(): void {
    if (this.due === Infinity) return;
    this.look(true);
  }

  /** Milliseconds that are left; negative when it has ended. */
  get left(): number {
    return this.length - this.elapsed;
  }

  private get elapsed(): number {
    return Math.max(Date.now() - this.wall, performance.now() - this.steady);
  }

  private look(remind: boolean): void {
    const { elapsed } = this;
    const first = this.told === -Infinity;
    if (elapsed >= this.due && (first || (remind && elapsed - this.told >= reminder))) {
      this.told = elapsed;
      this.expiring(this.expiresAt);
    }
    this.wait();
  }

  private wait(): void {
    clearTimeout(this.timer);
    if (this.told !== -Infinity) return;
    this.timer = setTimeout(() => this.look(false), Math.min(lookInterval, Math.max(0, this.due - this.elapsed)));
  }
}
