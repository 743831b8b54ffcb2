import { applicable } from "./applicable";
import { showsData } from "./charts/index";
import { isOtherCustomer } from "./claims";
import { EmbedClient, type DrillRequest, type Opening, type WidgetAnswer } from "./client";
import type { ControllerEvent, ControllerOptions, Phase, WidgetState } from "./controller-events";
import { levelsOf, selectFilter, type Picked } from "./drill";
import { aborted, EmbanError, isAbort } from "./errors";
import { ExpiryWatch } from "./expiry";
import { sameData } from "./result";
import { canonical, emptyState, initialState, isPicked, reduce, sameState, toFilters, toWire, without, type Action, type ViewState } from "./state";
import type { DashboardConfig, Filters, FilterValues, Positions, QueryResult, Vocabulary, WidgetConfig, WidgetDraft } from "./types";

/** What an expired session has shown stays this long, in milliseconds, while the host brings another. */
const lapseTime = 5000;
/** What was shown stays at least this long, in milliseconds, while a renewed session cannot be used because the server is away. */
const leastHold = 30_000;
/** Between attempts to use it. */
const longestHoldWait = 15_000;

/**
 * One open dashboard: loads its configuration, keeps the viewer's state, asks for all widgets in one request per change and
 * tells its listener what happened. Knows nothing of the DOM.
 */
export class DashboardController {
  /** What is shown: in an element of one widget a part of what is `published`. */
  config: DashboardConfig | null = null;
  published: DashboardConfig | null = null;
  state: ViewState = emptyState;
  initial: ViewState = emptyState;
  phase: Phase = "idle";
  error: EmbanError | null = null;
  readonly widgets = new Map<string, WidgetState>();

  private readonly client: EmbedClient;
  private readonly options: ControllerOptions;
  private dashboard: string | null;
  private readonly listener: (event: ControllerEvent) => void;
  private running: AbortController | null = null;
  private readonly single = new Map<string, AbortController>();
  private readonly expiry = new ExpiryWatch((expiresAt) => this.emit({ type: "token-expiring", expiresAt }));
  private lapse: ReturnType<typeof setTimeout> | undefined;
  /** A renewed session that the server could not answer for: how often it was tried, until when (by `performance.now`), and the next attempt. */
  private hold: { failures: number; readonly until: number; readonly timer: ReturnType<typeof setTimeout> } | null = null;
  private pendingFilters: Filters[] = [];
  /** The widget in which a filter's value was clicked, by dimension: it is not filtered by that dimension, so that all its values stay in sight. */
  private readonly origins = new Map<string, string>();
  /** The state, in canonical form, that each widget's result answers. */
  private readonly answered = new Map<string, string>();
  /** The last state that the server did not refuse. */
  private good: ViewState = emptyState;
  private isLoading = false;
  private settledOnce = false;
  /** How many requests for data are under way that the viewer waits for. */
  private asking = 0;
  /** Up to when each widget's last answer holds all events, in milliseconds. */
  private readonly asOf = new Map<string, number>();
  private quiet: AbortController | null = null;
  /** Counts viewers: what was asked for by a former one is nothing to the present one. */
  private viewer = 0;

  constructor(options: ControllerOptions, listener: (event: ControllerEvent) => void) {
    this.options = options;
    this.dashboard = options.dashboard ?? null;
    this.listener = listener;
    this.client = new EmbedClient({ host: options.host, token: "", ...(options.fetch ? { fetch: options.fetch } : {}) });
  }

  get token(): string {
    return this.client.token;
  }

  /** The dashboard's id, where the session opens several and the host chose one; otherwise null. */
  get choice(): string | null {
    return this.client.chosen;
  }

  /** The viewer waits for an answer. */
  get isBusy(): boolean {
    return this.isLoading || this.asking > 0;
  }

  /** The time of the oldest answer that is shown; now and later where nothing is. */
  get dataAsOf(): number {
    return Math.min(Infinity, ...this.shown.map((id) => this.asOf.get(id) ?? Infinity));
  }

  /**
   * Adopts a session. The first one loads the dashboard; a later one keeps the viewer's state and repairs what had failed. With one of another
   * customer, and with none (""), what was shown is forgotten at once.
   */
  setToken(token: string): void {
    const before = this.client.token;
    if (token === before) return;
    this.client.token = token;
    if (token === "") this.forget("idle");
    else {
      if (isOtherCustomer(before, token)) this.forget("loading");
      void this.load(true);
    }
  }

  /** The session has ended while nothing was asked for: what is shown stays, and the host hears of it. */
  sessionEnded(error: EmbanError): void {
    this.emit({ type: "error", code: error.code, message: error.message });
  }

  /** Loads configuration and data again; the viewer's state stays. */
  reload(): void {
    void this.load();
  }

  dispatch(action: Action): void {
    if (!this.config) return;
    const before = this.state;
    if (!this.change(action)) return;
    if (this.state.period !== before.period && this.state.period !== null) {
      this.emit({ type: "period-change", period: this.state.period });
    }
    this.emit({ type: "filter", filters: toFilters(this.state) });
    this.refresh();
  }

  /**
   * A click in a widget filters the rest of the dashboard, and the same click again does not. A bucket of time without a value becomes the
   * date range. The widget itself keeps showing all its values.
   */
  crossFilter(widget: string, picked: Picked): void {
    const { config } = this;
    if (!config) return;
    const values = levelsOf(picked);
    if (values.length === 0) {
      const now = this.state.dateRanges;
      const same = now !== null && now.from === picked.range?.from && now.to === picked.range.to;
      if (picked.range) this.dispatch({ type: "dates", range: same ? null : picked.range });
      return;
    }
    if (!isPicked(this.state, values)) for (const { dimension } of values) this.origins.set(dimension, widget);
    const multiple = values.filter(({ dimension }) => selectFilter(config, dimension)?.type === "multi_select");
    this.dispatch({ type: "pick", values, multiple: multiple.map(({ dimension }) => dimension) });
  }

  /** What lies behind a value, in the state in which `request.widget` is shown. */
  async drill(request: DrillRequest, signal?: AbortSignal): Promise<QueryResult> {
    return this.guarded(() => this.client.drill(request, toWire(this.stateOf(request.widget)), signal));
  }

  /** A widget as a file, in the state in which it is shown. */
  async exportFile(widget: string, format: "csv"): Promise<Blob> {
    return this.guarded(() => this.client.exportFile(widget, format, toWire(this.stateOf(widget))));
  }

  /**
   * A refused session is no matter of one request; when another has come meanwhile, it is asked instead. What a former viewer has asked for ends as
   * if it had been called off.
   */
  private async guarded<Value>(work: () => Promise<Value>): Promise<Value> {
    const { viewer, client: { token } } = this;
    try {
      const value = await work();
      if (viewer !== this.viewer) throw aborted();
      return value;
    } catch (error) {
      if (viewer !== this.viewer) throw aborted();
      if (!(error instanceof EmbanError && error.isSession)) throw error;
      if (token !== this.client.token) return this.guarded(work);
      this.fail(error);
      throw error;
    }
  }

  /** The state that a widget is shown in. */
  private stateOf(widget: string): ViewState {
    const own = [...this.origins].filter(([, origin]) => origin === widget).map(([dimension]) => dimension);
    return own.length === 0 ? this.state : without(this.state, new Set(own));
  }

  /**
   * Filters set by the host page: no `filter` event, so that hosts that mirror their state do not loop. What dashboard and session
   * do not permit is left out, with an `error` event each; the rest applies. While a configuration is on its way they wait for it.
   */
  setFilters(filters: Filters): void {
    if (!this.config || this.isLoading) this.pendingFilters.push(filters);
    else if (this.change({ type: "merge", filters: this.permitted(filters) })) this.refresh();
  }

  /** The page woke up, or is online again: is the session still good? */
  checkExpiry(): void {
    this.expiry.check();
    if (this.hold) void this.load(true);
  }

  /** Fails when the session turns out to be for another dashboard than the one with this id or slug; null takes any. */
  setDashboard(dashboard: string | null): void {
    this.dashboard = dashboard;
    if (!this.config || this.isLoading || !this.isForeign(this.config)) return;
    // A session that opens several dashboards may open this one.
    if (this.config.dashboards) void this.load();
    else {
      this.abortAll();
      this.failForeign();
    }
  }

  /** Asks again for one failed widget; when the network was at fault, for all that it failed. */
  retry(id: string): void {
    const ids = this.widget(id).error?.code === "network" ? this.cutOff() : [id];
    for (const one of ids) this.single.get(one)?.abort();
    const abort = new AbortController();
    for (const one of ids) {
      this.single.set(one, abort);
      this.setWidget(one, { ...this.widget(one), status: "loading" });
    }
    void this.ask(ids, abort).finally(() => {
      for (const one of ids) if (this.single.get(one) === abort) this.single.delete(one);
      if (!abort.signal.aborted && this.settledOnce && this.phase === "ready" && !this.isBusy) this.emit({ type: "settled", first: false, whole: this.isWhole });
    });
  }

  /** The network is back: repairs what had failed without it. */
  reconnect(): void {
    if (this.hold) void this.load(true);
    else if (this.phase === "failed" && this.error?.code === "network") this.reload();
    const [first] = this.cutOff();
    if (this.phase === "ready" && first !== undefined) this.retry(first);
  }

  /**
   * Asks for everything again while what stands there stays: cards change when their answers do, and show no sign of waiting. What fails is
   * left as it was. `later`: the viewer waits for something else, or asked for it meanwhile.
   */
  async refreshQuietly(): Promise<"done" | "later" | "failed"> {
    if (this.phase !== "ready" || this.isBusy) return "later";
    const abort = new AbortController();
    this.quiet = abort;
    try {
      await this.send(this.shown, abort, (id, answer) => {
        if ("result" in answer) this.settleQuietly(id, answer.result);
      });
    } catch (error) {
      if (abort.signal.aborted) return "later";
      if (error instanceof EmbanError && error.isSession) this.fail(error);
      return "failed";
    }
    return "done";
  }

  private settleQuietly(id: string, result: QueryResult): void {
    const before = this.widget(id);
    this.noteTime(id, result);
    if (before.status !== "ok" || !before.result || !sameData(before.result, result)) this.setWidget(id, { status: "ok", result, error: null });
  }

  /** The session turned out to be refused. */
  refuse(error: EmbanError): void {
    this.abortAll();
    this.fail(error);
  }

  /** Whether the whole dashboard is shown, and not only some of its widgets. */
  protected get showsAll(): boolean {
    return this.options.only === undefined;
  }

  private get isWhole(): boolean {
    return this.shown.every((id) => this.widget(id).status === "ok");
  }

  /** The widgets that show data. */
  private get shown(): readonly string[] {
    return this.config?.widgets.filter(showsData).map((widget) => widget.id) ?? [];
  }

  private noteTime(id: string, result: QueryResult): void {
    const time = Date.parse(result.meta.data_as_of ?? "");
    if (Number.isFinite(time)) this.asOf.set(id, time);
    else this.asOf.delete(id);
  }

  private cutOff(): readonly string[] {
    return [...this.widgets].filter(([, widget]) => widget.error?.code === "network").map(([id]) => id);
  }

  filterValues(dimension: string, q: string, signal?: AbortSignal): Promise<FilterValues> {
    return this.client.filterValues(dimension, { q, limit: 50, period: this.state.period }, signal);
  }

  widget(id: string): WidgetState {
    return this.widgets.get(id) ?? { status: "loading", result: null, error: null };
  }

  destroy(): void {
    this.abortAll();
    this.endLapse();
    this.endHold();
    this.expiry.stop();
    this.phase = "idle";
  }

  /** Keeps `positions`; what stands there stays. */
  async saveLayout(positions: Positions): Promise<void> {
    await this.guarded(() => this.client.saveLayout(positions));
    const move = (config: DashboardConfig): DashboardConfig => ({
      ...config, customized: true, widgets: config.widgets.map((widget) => ({ ...widget, position: positions[widget.id] ?? widget.position })),
    });
    if (this.config) this.config = move(this.config);
    if (this.published) this.published = move(this.published);
  }

  async resetLayout(): Promise<void> {
    await this.guarded(() => this.client.resetLayout());
    this.reload();
  }

  vocabulary(): Promise<Vocabulary> {
    return this.guarded(() => this.client.vocabulary());
  }

  async addWidget(widget: WidgetDraft): Promise<WidgetConfig> {
    return this.guarded(async () => {
      const added = await this.client.addWidget(widget);
      await this.load();
      return added;
    });
  }

  async removeWidget(id: string): Promise<void> {
    await this.guarded(async () => {
      await this.client.removeWidget(id);
      await this.load();
    });
  }

  /** `isRenewal`: for a session that follows another. When the server cannot answer just now, what is shown stays, and it is asked again. */
  private async load(isRenewal = false): Promise<void> {
    this.endLapse();
    clearTimeout(this.hold?.timer);
    this.abortAll();
    const abort = new AbortController();
    this.running = abort;
    this.isLoading = true;
    if (this.phase !== "ready") this.setPhase("loading");
    let config: DashboardConfig;
    let opening: Opening | null = null;
    // A page of some widgets has no use for the answers of all, and filters that wait make them answers to another question.
    const isOpening = this.published === null && this.showsAll && this.pendingFilters.length === 0;
    try {
      if (isOpening) ({ config, opening } = await this.client.open(abort.signal, this.dashboard));
      else config = await this.client.dashboard(abort.signal, this.dashboard);
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return;
      if (this.dashboard !== null && error instanceof EmbanError && error.code === "dashboard_not_found") this.failForeign();
      else if (!(isRenewal && this.holdOn(error))) this.fail(error);
      return;
    }
    if (abort.signal.aborted) return;
    this.endHold();
    this.isLoading = false;
    if (this.isForeign(config)) {
      opening?.cancel();
      this.failForeign();
      return;
    }
    this.adopt(config);
    if (abort.signal.aborted) return;
    await this.query(undefined, opening && { opening, abort });
  }

  /** Keeps what is shown, and tries again later; false where that would help nobody. */
  private holdOn(error: unknown): boolean {
    const failure = error instanceof EmbanError ? error : new EmbanError("network", error instanceof Error ? error.message : "");
    const now = performance.now();
    const { failures = 0, until = now + Math.max(leastHold, this.expiry.left) } = this.hold ?? {};
    if (this.phase !== "ready" || !failure.isPassing || now >= until) return false;
    this.isLoading = false;
    const wait = Math.max(failure.retryAfter * 1000, Math.min(longestHoldWait, 1000 * 2 ** failures)) * (1 + Math.random() / 4);
    this.hold = { failures: failures + 1, until, timer: setTimeout(() => void this.load(true), Math.min(wait, until - now)) };
    if (failures === 0) this.emit({ type: "error", code: failure.code, message: failure.message });
    return true;
  }

  private endHold(): void {
    clearTimeout(this.hold?.timer);
    this.hold = null;
  }

  /** Nothing of what was shown is kept, neither on the screen nor in memory. */
  private forget(phase: "idle" | "loading"): void {
    this.abortAll();
    this.endLapse();
    this.endHold();
    this.expiry.stop();
    this.config = null;
    this.published = null;
    this.error = null;
    this.client.chosen = null;
    this.pendingFilters = [];
    this.startAfresh(emptyState);
    this.setPhase(phase);
    this.emit({ type: "state", state: this.state });
    this.emit({ type: "forgotten" });
  }

  private startAfresh(state: ViewState): void {
    this.viewer += 1;
    this.initial = state;
    this.good = state;
    this.state = state;
    this.widgets.clear();
    this.answered.clear();
    this.asOf.clear();
    this.origins.clear();
  }

  private isForeign(config: DashboardConfig): boolean {
    return this.dashboard !== null && this.dashboard !== config.id && this.dashboard !== config.slug;
  }

  private failForeign(): void {
    this.fail(new EmbanError("dashboard_mismatch", "This session belongs to another dashboard."));
  }

  private adopt(config: DashboardConfig): void {
    const only = this.options.only;
    const previous = this.published;
    const shown = only ? { ...config, widgets: config.widgets.filter((widget) => only.includes(widget.id)) } : config;
    // Another dashboard or another customer starts afresh: nothing of the earlier one may stay on the screen.
    const isOther = previous === null || previous.id !== config.id || previous.session.tenant_id !== config.session.tenant_id;
    if (isOther && previous !== null) {
      this.config = null;
      this.emit({ type: "forgotten" });
    }
    this.config = shown;
    this.published = config;
    this.client.chosen = this.dashboard !== null && config.dashboards ? config.id : null;
    this.initial = initialState(config);
    this.good = this.initial;
    if (isOther) this.startAfresh(this.initial);
    else {
      // The new session may permit less than the one before.
      this.state = reduce(this.initial, { type: "merge", filters: this.permitted(toFilters(this.state)) });
    }
    const known = new Set(shown.widgets.map((widget) => widget.id));
    for (const id of [...this.widgets.keys()]) if (!known.has(id)) this.widgets.delete(id);
    const pending = this.pendingFilters;
    this.pendingFilters = [];
    for (const filters of pending) this.state = reduce(this.state, { type: "merge", filters: this.permitted(filters) });
    this.forgetOrigins();
    this.expiry.set(config.session.expires_at, config.session.server_time);
    this.error = null;
    this.emit({ type: "config", config: shown });
    this.setPhase("ready");
    this.emit({ type: "state", state: this.state });
  }

  /** What of `filters` may be set here; tells of the rest. */
  private permitted(filters: Filters): Filters {
    if (!this.published) return filters;
    const split = applicable(filters, this.published);
    for (const { code, message } of split.refused) this.emit({ type: "error", code, message });
    return split.filters;
  }

  /** Asks for the present state, unless a configuration is on its way, after which that happens anyway. */
  private refresh(): void {
    if (this.phase === "ready" && !this.isLoading) void this.query((id) => this.widget(id).status !== "ok" || this.answered.get(id) !== canonical(this.stateOf(id)));
  }

  /** Asks for all widgets, or for those that `isWanted` names. `underWay`: answers that come with the configuration. */
  private async query(
    isWanted: (id: string) => boolean = () => true, underWay: { readonly opening: Opening; readonly abort: AbortController } | null = null,
  ): Promise<void> {
    if (!this.config) return;
    if (!underWay) this.abortAll();
    const abort = underWay?.abort ?? new AbortController();
    this.running = abort;
    const ids = this.shown.filter(isWanted);
    for (const id of ids) this.setWidget(id, { ...this.widget(id), status: "loading" });
    await this.ask(ids, abort, underWay?.opening);
    if (abort.signal.aborted || this.phase !== "ready" || this.lapse !== undefined) return;
    this.emit({ type: "settled", first: !this.settledOnce, whole: this.isWhole });
    this.settledOnce = true;
  }

  private async ask(ids: readonly string[], abort: AbortController, opening: Opening | null = null): Promise<void> {
    if (ids.length === 0) return;
    const { state } = this;
    this.asking += 1;
    try {
      await this.send(ids, abort, (id, answer) => this.settle(id, answer), opening);
      if (!abort.signal.aborted) this.good = state;
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return;
      if (!(error instanceof EmbanError && error.isState)) this.fail(error);
      else if (!this.goBack(error)) for (const id of ids) this.settle(id, { error });
    } finally {
      this.asking -= 1;
    }
  }

  /** Asks for widgets in the state in which each is shown: one request, and one more for each widget whose own clicks do not filter it. */
  private async send(
    ids: readonly string[], abort: AbortController, settle: (id: string, answer: WidgetAnswer) => void, opening: Opening | null = null,
  ): Promise<void> {
    const groups = new Map<string, { readonly state: ViewState; readonly ids: string[] }>();
    for (const id of ids) {
      const own = this.stateOf(id);
      const key = canonical(own);
      const group = groups.get(key) ?? { state: own, ids: [] };
      group.ids.push(id);
      groups.set(key, group);
    }
    const take = (id: string, answer: WidgetAnswer, key: string) => {
      if (abort.signal.aborted) return;
      this.answered.set(id, key);
      settle(id, answer);
    };
    // Nothing has been clicked yet when a dashboard opens: there is one group.
    await Promise.all([...groups].map(([key, group]) =>
      this.client.query(toWire(group.state), group.ids, (id, answer) => take(id, answer, key), abort.signal, opening)));
  }

  /** The server refuses the state: back to the last good one, or to the initial one. False when that is the one refused. */
  private goBack(error: EmbanError): boolean {
    if (sameState(this.state, this.good)) this.good = this.initial;
    if (!this.change({ type: "reset", to: this.good })) return false;
    this.emit({ type: "error", code: error.code, message: error.message, reverted: true });
    void this.query();
    return true;
  }

  private settle(id: string, answer: WidgetAnswer): void {
    if ("result" in answer) {
      this.noteTime(id, answer.result);
      this.setWidget(id, { status: "ok", result: answer.result, error: null });
    } else {
      this.setWidget(id, { status: "error", result: null, error: answer.error });
      this.emit({ type: "error", code: answer.error.code, message: answer.error.message });
    }
  }

  private fail(error: unknown): void {
    this.isLoading = false;
    this.endHold();
    this.error = error instanceof EmbanError ? error : new EmbanError("network", error instanceof Error ? error.message : "");
    // Hosts renew an expired session: until then, and not for long, what is shown stays.
    if (this.phase === "ready" && this.error.code === "token_expired") {
      if (this.lapse !== undefined) return;
      this.lapse = setTimeout(() => {
        this.lapse = undefined;
        this.setPhase("failed");
      }, lapseTime);
    } else {
      this.endLapse();
      this.setPhase("failed");
    }
    this.emit({ type: "error", code: this.error.code, message: this.error.message });
  }

  private change(action: Action): boolean {
    const next = reduce(this.state, action);
    if (sameState(next, this.state)) return false;
    this.state = next;
    this.forgetOrigins();
    this.emit({ type: "state", state: next });
    return true;
  }

  private forgetOrigins(): void {
    for (const dimension of [...this.origins.keys()]) if (!this.state.dimensions[dimension]) this.origins.delete(dimension);
  }

  private endLapse(): void {
    clearTimeout(this.lapse);
    this.lapse = undefined;
  }

  private abortAll(): void {
    this.isLoading = false;
    this.running?.abort();
    this.running = null;
    this.quiet?.abort();
    this.quiet = null;
    for (const abort of this.single.values()) abort.abort();
    this.single.clear();
  }

  private setPhase(phase: Phase): void {
    this.phase = phase;
    this.emit({ type: "phase", phase });
  }

  private setWidget(id: string, widget: WidgetState): void {
    this.widgets.set(id, widget);
    this.emit({ type: "widget", id, widget });
  }

  private emit(event: ControllerEvent): void {
    this.listener(event);
  }
}
