import type { DashboardController } from "./controller";
import type { EmbanError } from "./errors";
import { listen, type LiveConnection, type LiveListener, type StreamSlot } from "./live-connection";

/** `off`: not wanted, or not to be had. `waiting`: the connection was lost a while ago. `paused`: by the viewer. */
export type LiveState = "off" | "on" | "waiting" | "paused";

export interface LiveOptions {
  readonly host: string;
  readonly slot: StreamSlot;
  readonly show: (state: LiveState) => void;
  /** What is on the screen was brought up to date. */
  readonly updated: () => void;
  readonly ended: (error: EmbanError) => void;
}

export interface LiveWish {
  /** Of the session whose changes are wanted; null for none. */
  readonly token: string | null;
  /** Whether somebody can look: what changes meanwhile is noticed when they can. */
  readonly visible: boolean;
  readonly paused: boolean;
}

/** The least time from one refresh to the next. */
const refreshInterval = 2000;
/** What was answered this shortly after a change is asked for again: clocks of several servers differ. */
const clockDifference = 2000;
/** A connection that is back within this time was never lost to the viewer. */
const patience = 5000;

/** Keeps what a dashboard shows fresh while somebody looks at it: hears of changes, and asks for the data, not too often. */
export class LiveUpdates {
  private wish: LiveWish = { token: null, visible: true, paused: false };
  private state: LiveState = "off";
  private heard: string | null = null;
  private connection: LiveConnection | null = null;
  /** What is shown must be of this time or later; null when nothing is known to have changed. */
  private needed: number | null = null;
  private lastOpen: number | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lost: ReturnType<typeof setTimeout> | undefined;
  private isRefreshing = false;
  private notBefore = 0;
  private failures = 0;

  private readonly listener: LiveListener = {
    unchangedSince: (time) => {
      if (time !== this.lastOpen) this.need(time + clockDifference);
      this.lastOpen = time;
    },
    changed: () => this.need(Infinity),
    connected: (is) => {
      this.expectConnection();
      if (!is) return;
      clearTimeout(this.lost);
      this.show("on");
      this.schedule();
    },
    ended: (error) => {
      this.set({ token: null });
      this.options.ended(error);
    },
  };

  constructor(private readonly controller: DashboardController, private readonly options: LiveOptions) {}

  get isPaused(): boolean {
    return this.wish.paused;
  }

  set(change: Partial<LiveWish>): void {
    if (change.token !== undefined && change.token !== this.wish.token) this.lastOpen = null;
    this.wish = { ...this.wish, ...change };
    const { token, visible, paused } = this.wish;
    if (token === null) this.show("off");
    else if (paused && this.state !== "off") this.show("paused");
    const heard = visible && !paused ? token : null;
    if (heard === this.heard) return;
    this.heard = heard;
    this.connection?.remove(this.listener);
    this.connection = null;
    clearTimeout(this.lost);
    clearTimeout(this.timer);
    this.timer = undefined;
    if (heard === null) return;
    this.expectConnection();
    this.connection = listen({ host: this.options.host, token: heard, dashboard: this.controller.choice }, this.listener, this.options.slot);
  }

  /** The network is back. */
  hurry(): void {
    this.connection?.hurry();
  }

  private show(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.show(state);
  }

  private expectConnection(): void {
    clearTimeout(this.lost);
    this.lost = setTimeout(() => {
      if (this.state !== "off") this.show("waiting");
    }, patience);
  }

  private need(time: number): void {
    this.needed = Math.max(time, this.needed ?? time);
    this.schedule();
  }

  private schedule(wait = Math.min(60_000, Math.max(0, this.notBefore - Date.now()))): void {
    if (this.timer !== undefined || this.isRefreshing || this.heard === null || this.needed === null) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.refresh();
    }, wait);
  }

  private async refresh(): Promise<void> {
    const { controller, needed } = this;
    if (needed === null) return;
    if (controller.isBusy) {
      this.schedule(200);
      return;
    }
    this.needed = null;
    if (controller.dataAsOf >= needed) return;
    const begin = Date.now();
    this.isRefreshing = true;
    const outcome = await controller.refreshQuietly();
    this.isRefreshing = false;
    // Half of the time at most goes into refreshes, however long one takes.
    this.notBefore = begin + Math.max(refreshInterval, 2 * (Date.now() - begin));
    this.failures = outcome === "failed" ? this.failures + 1 : 0;
    if (outcome !== "done") this.needed = Math.max(needed, this.needed ?? needed);
    if (outcome === "failed") this.notBefore += Math.min(60_000, 5000 * 2 ** this.failures);
    if (outcome === "done") this.options.updated();
    this.schedule();
  }
}
