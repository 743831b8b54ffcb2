import type { DrillRequest } from "./client";
import type { DashboardController } from "./controller";
import { drillOptions, levelsOf, nextDimensions, type DrillLevel, type Picked } from "./drill";
import { EmbanError, isAbort } from "./errors";
import type { DashboardConfig, DateRange, QueryResult, QueryWidget } from "./types";

export type DrillTab = "groups" | "rows";

/** What an open drill panel shows. */
export interface DrillState {
  readonly widget: QueryWidget;
  readonly range: DateRange | null;
  /** The values opened so far. */
  readonly levels: readonly DrillLevel[];
  /** Tabs that have something to show here. */
  readonly tabs: readonly DrillTab[];
  readonly tab: DrillTab;
  /** Dimensions that this level can be broken down by, and the one that it is. */
  readonly choices: readonly string[];
  readonly next: string | null;
  readonly status: "loading" | "ok" | "error";
  readonly result: QueryResult | null;
  readonly error: EmbanError | null;
  /** More rows can be asked for. */
  readonly hasMore: boolean;
}

const rowSteps = [100, 1000];

/** The way through a drill panel: opens levels, goes back, and asks for what each shows. Knows nothing of the DOM. */
export class DrillSession {
  state: DrillState;
  private running: AbortController | null = null;
  private readonly known = new Map<string, QueryResult>();
  private step = 0;

  constructor(
    private readonly controller: DashboardController, private readonly config: DashboardConfig, widget: QueryWidget, picked: Picked,
    private readonly changed: (state: DrillState) => void,
  ) {
    this.state = {
      widget, range: picked.range ?? null, levels: [], tabs: [], tab: "groups", choices: [], next: null, status: "loading", result: null, error: null,
      hasMore: false,
    };
    this.state = { ...this.state, ...this.place(levelsOf(picked)) };
  }

  /** Asks anew: at the start, after a failure, when the dashboard's state has changed. */
  reload(): void {
    this.known.clear();
    void this.load();
  }

  /** Opens a value of the dimension that is shown. */
  open(value: string): void {
    const { next, levels } = this.state;
    if (next !== null) this.go([...levels, { dimension: next, value }]);
  }

  /** Back to the first `count` levels. */
  back(count: number): void {
    if (!this.canGoBack(count)) return;
    const { levels } = this.state;
    // Broken down as it was when the next value was opened.
    this.state = { ...this.state, next: levels[count]?.dimension ?? this.state.next };
    this.go(levels.slice(0, count));
  }

  /** Without any value only a range can be looked into. */
  canGoBack(count: number): boolean {
    return count < this.state.levels.length && (count > 0 || this.state.range !== null);
  }

  choose(next: string): void {
    if (next === this.state.next || !this.state.choices.includes(next)) return;
    this.state = { ...this.state, next };
    void this.load();
  }

  show(tab: DrillTab): void {
    if (tab === this.state.tab || !this.state.tabs.includes(tab)) return;
    this.state = { ...this.state, tab };
    void this.load();
  }

  more(): void {
    if (!this.state.hasMore) return;
    this.step += 1;
    void this.load();
  }

  close(): void {
    this.running?.abort();
  }

  private go(levels: readonly DrillLevel[]): void {
    this.state = { ...this.state, ...this.place(levels) };
    void this.load();
  }

  private place(levels: readonly DrillLevel[]): Pick<DrillState, "levels" | "choices" | "next" | "tabs" | "tab"> {
    const choices = levels.length <= 10 ? nextDimensions(this.config, levels) : [];
    const tabs: DrillTab[] = [...(choices.length > 0 ? (["groups"] as const) : []), ...(drillOptions(this.config).rows ? (["rows"] as const) : [])];
    const { next, tab } = this.state;
    this.step = 0;
    return {
      levels, choices, tabs,
      next: next !== null && choices.includes(next) ? next : choices[0] ?? null,
      tab: tabs.includes(tab) ? tab : tabs[0] ?? "rows",
    };
  }

  private async load(): Promise<void> {
    this.running?.abort();
    const abort = new AbortController();
    this.running = abort;
    const request = this.request();
    const key = JSON.stringify(request);
    const known = this.known.get(key);
    if (known) {
      this.put({ status: "ok", result: known, error: null });
      return;
    }
    // More of the same rows: those that stand there stay.
    const isMore = this.state.tab === "rows" && this.step > 0;
    this.put({ status: "loading", result: isMore ? this.state.result : null, error: null });
    try {
      const result = await this.controller.drill(request, abort.signal);
      if (abort.signal.aborted) return;
      this.known.set(key, result);
      this.put({ status: "ok", result, error: null });
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return;
      this.put({ status: "error", result: null, error: error instanceof EmbanError ? error : new EmbanError("network", "") });
    }
  }

  private put(change: Pick<DrillState, "status" | "result" | "error">): void {
    const { tab } = this.state;
    const hasMore = tab === "rows" && change.result?.meta.truncated === true && this.step + 1 < rowSteps.length;
    this.state = { ...this.state, ...change, hasMore };
    this.changed(this.state);
  }

  private request(): DrillRequest {
    const { widget, levels, range, tab, next } = this.state;
    const [first, ...filters] = levels;
    return {
      widget: widget.id,
      ...(first && { dimension: first.dimension, value: first.value }),
      ...(filters.length > 0 && { filters }),
      ...(range && { range }),
      ...(tab === "groups" && next !== null && { next_dimension: next }),
      ...(tab === "rows" && this.step > 0 && { limit: rowSteps[this.step] ?? 1000 }),
    };
  }
}
