import { DashboardController, EmbanError, isolated, onWake, readToken, Recovery, type ControllerEvent, type DashboardConfig, type WidgetState } from "@emban/core";

export type Listener = (event: ControllerEvent) => void;

/** A controller that several views drive: what all of them ask for at the same moment is done once, and none of them ends it. */
class SharedController extends DashboardController {
  wantsAll = (): boolean => true;
  private refreshing: Promise<"done" | "later" | "failed"> | null = null;
  private isReconnecting = false;
  /** The token of which it is known that its session has ended. */
  private ended = "";

  protected override get showsAll(): boolean {
    return this.wantsAll();
  }

  override refreshQuietly(): Promise<"done" | "later" | "failed"> {
    this.refreshing ??= super.refreshQuietly().finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  override reconnect(): void {
    if (this.isReconnecting) return;
    this.isReconnecting = true;
    queueMicrotask(() => {
      this.isReconnecting = false;
      super.reconnect();
    });
  }

  override refuse(error: EmbanError): void {
    if (this.phase !== "failed" || this.error?.code !== error.code) super.refuse(error);
  }

  override sessionEnded(error: EmbanError): void {
    if (this.ended === this.token) return;
    this.ended = this.token;
    super.sessionEnded(error);
  }

  /** A view that leaves the page leaves the others as they are. */
  override destroy(): void {}

  end(): void {
    super.destroy();
  }
}

/** What hooks read: a new value whenever something in it has changed, the same one otherwise. */
export interface DashboardSnapshot {
  readonly dashboard: DashboardConfig | null;
  readonly loading: boolean;
  readonly error: EmbanError | null;
}

const loadingSnapshot: DashboardSnapshot = { dashboard: null, loading: true, error: null };
const loadingWidget: WidgetState = { status: "loading", result: null, error: null };

export interface SharedDashboardOptions {
  readonly host: string;
  /** Id or slug of the dashboard that the session must be for. */
  readonly dashboard: string | null;
}

/**
 * The dashboard of one session, shown by several components and hooks: they share its filters and its answers, and each question is asked once.
 * Only what some component shows is asked for. Nothing happens before `start`, and it may be started again after `stop`, as StrictMode does.
 */
export class SharedDashboard {
  readonly host: string;
  readonly dashboard: string | null;
  readonly controller: SharedController;
  snapshot: DashboardSnapshot = loadingSnapshot;
  /** What happens right now comes from the controller, so that a view that tells of it, too, is no second source. */
  isTelling = false;
  private readonly views = new Map<Listener, string | null>();
  private readonly watchers = new Set<() => void>();
  private readonly hosts = new Set<Listener>();
  /** How many show each widget; null stands for the whole dashboard. */
  private readonly wanted = new Map<string | null, number>();
  private recovery: Recovery | null = null;
  private endWake: (() => void) | null = null;
  private isStarted = false;
  private isCatchingUp = false;

  constructor(options: SharedDashboardOptions) {
    this.host = options.host;
    this.dashboard = options.dashboard;
    const { host, dashboard } = options;
    this.controller = new SharedController({ host, ...(dashboard !== null && { dashboard }) }, (event) => this.receive(event));
    this.controller.wantsAll = () => this.wanted.has(null);
  }

  isFor(options: SharedDashboardOptions): boolean {
    return options.host === this.host && options.dashboard === this.dashboard;
  }

  /** Begins with `token`, with the one that is known already, or with what `getToken` brings. */
  start(token: string | null, getToken: (() => Promise<string> | string) | null): void {
    this.isStarted = true;
    if (getToken) {
      this.recovery = new Recovery({
        fetch: getToken,
        adopt: (token) => this.controller.setToken(readToken(token)),
        token: () => this.controller.token,
        failed: (message) => this.tellHosts({ type: "error", code: "token_failed", message: message || "A token could not be fetched." }),
        gaveUp: () => this.tellHosts({ type: "error", code: "session_refused", message: "The tokens of getToken are refused; no more are asked for." }),
      });
    }
    this.endWake = onWake(() => {
      this.controller.checkExpiry();
      this.controller.reconnect();
    });
    const known = this.controller.token;
    if (token !== null && token !== known) this.controller.setToken(token);
    else if (known !== "") this.controller.reload();
    else this.recovery?.request();
  }

  stop(): void {
    this.isStarted = false;
    this.recovery?.stop();
    this.recovery = null;
    this.endWake?.();
    this.endWake = null;
    this.controller.end();
  }

  /** Adopts a session. One of the same customer keeps the viewer's filters; without one ("") nothing is shown. */
  setToken(token: string): void {
    if (!this.isStarted) return;
    if (token === "") this.recovery?.discard();
    else this.recovery?.works();
    this.controller.setToken(token);
  }

  /** For the page that this stands in: told of everything that the controller says. */
  onEvent(listener: Listener): () => void {
    this.hosts.add(listener);
    return () => this.hosts.delete(listener);
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  widget(id: string): WidgetState {
    return this.controller.widgets.get(id) ?? loadingWidget;
  }

  /** Has a view hear of the dashboard, or of one widget of it. Call `tellAll` when the view is ready to hear. */
  attach(listener: Listener, only: string | null): void {
    this.views.set(listener, only);
  }

  detach(listener: Listener): void {
    this.views.delete(listener);
  }

  /** Tells a view that came late what has happened so far. */
  tellAll(listener: Listener): void {
    const { controller } = this;
    if (controller.phase === "failed") this.tellView(listener, { type: "phase", phase: "failed" });
    if (controller.phase !== "ready" || !controller.published) return;
    this.tellView(listener, { type: "config", config: controller.published });
    this.tellView(listener, { type: "state", state: controller.state });
  }

  /** Has the data of a widget (null: of all) asked for as long as the result is not called. */
  want(widget: string | null): () => void {
    this.wanted.set(widget, (this.wanted.get(widget) ?? 0) + 1);
    this.catchUp();
    return () => {
      const left = (this.wanted.get(widget) ?? 1) - 1;
      if (left > 0) this.wanted.set(widget, left);
      else this.wanted.delete(widget);
      this.narrow();
    };
  }

  private narrow(): void {
    const { controller } = this;
    if (controller.published) controller.config = this.shown(controller.published);
  }

  private shown(config: DashboardConfig): DashboardConfig {
    if (this.wanted.has(null)) return config;
    return { ...config, widgets: config.widgets.filter((widget) => this.wanted.has(widget.id)) };
  }

  /** Components that came after the first question: together they ask another. */
  private catchUp(): void {
    if (this.isCatchingUp || this.controller.phase !== "ready") return;
    this.isCatchingUp = true;
    queueMicrotask(() => {
      this.isCatchingUp = false;
      if (!this.isStarted || this.controller.phase !== "ready") return;
      this.narrow();
      const { controller } = this;
      const missing = controller.config?.widgets.filter((widget) => widget.query && !controller.widgets.has(widget.id)) ?? [];
      const [first, ...others] = missing;
      if (first && others.length === 0) controller.retry(first.id);
      else if (first) controller.reload();
    });
  }

  private receive(event: ControllerEvent): void {
    if (!this.isStarted) return;
    // Before the controller asks for data: only for what is shown.
    if (event.type === "config") this.narrow();
    if (event.type === "settled") this.recovery?.works();
    this.isTelling = true;
    try {
      for (const listener of [...this.views.keys()]) this.tellView(listener, event);
    } finally {
      this.isTelling = false;
    }
    const { phase, published, error } = this.controller;
    const next = { dashboard: published, loading: phase === "loading" || phase === "idle", error: phase === "failed" ? error : null };
    const { snapshot } = this;
    if (next.dashboard !== snapshot.dashboard || next.loading !== snapshot.loading || next.error !== snapshot.error) this.snapshot = next;
    for (const watcher of [...this.watchers]) watcher();
    this.tellHosts(event);
    if (event.type === "token-expiring") this.recovery?.request();
    if (event.type === "error") this.recovery?.failed(event.code);
  }

  private tellHosts(event: ControllerEvent): void {
    for (const host of [...this.hosts]) isolated(() => host(event));
  }

  private tellView(listener: Listener, event: ControllerEvent): void {
    const only = this.views.get(listener);
    if (only === undefined) return;
    if (event.type === "config" && only !== null) {
      listener({ ...event, config: { ...event.config, widgets: event.config.widgets.filter((widget) => widget.id === only) } });
    } else listener(event);
  }
}
