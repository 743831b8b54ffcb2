import {
  clickEffect, describeError, DashboardController, EmbanError, exactPick, exactTime, faceOf, formatValue, gridSize, layout, LiveUpdates, onWake, resolveTheme,
  safeImageURL, safeLocale, SessionWatch, strings,
  type ControllerEvent, type DashboardConfig, type GridSize, type LiveState, type Picked, type ResolvedTheme, type Theme, type WidgetConfig,
} from "@emban/core";
import type { ViewContext } from "./context";
import { CustomerColors } from "./customer-colors";
import { Customizer } from "./customize/customizer";
import { h, putInOrder, replace } from "./dom";
import { DrillPanel } from "./drill/panel";
import { loadECharts } from "./echarts";
import { Chips } from "./filters/chips";
import { FilterBar } from "./filters/filter-bar";
import { moveInto, themeOfPage } from "./host-page";
import { LiveMark } from "./live-mark";
import { slotsOf } from "./live-slots";
import { Card, message } from "./widgets/card";

export interface ViewOptions {
  readonly host: string;
  /** Where `/web/…` is served. */
  readonly assets: string;
  /** Show one widget only, without header and filters. */
  readonly only?: string;
  /** Id or slug of the dashboard that the session must be for. */
  readonly dashboard?: string;
  readonly emit: (name: string, detail: Record<string, unknown>) => void;
  /** Gives the controller that several views share and has it tell `listener`; without it the view has one of its own. */
  readonly share?: (listener: (event: ControllerEvent) => void) => DashboardController;
}

/** Builds and keeps up to date what stands in the shadow root of one element. */
export class DashboardView {
  readonly controller: DashboardController;
  readonly root = h("div", { class: "root", attrs: { part: "root" } });
  private readonly grid = h("div", { class: "grid", attrs: { part: "grid" } });
  private readonly head = h("header", { class: "head", attrs: { part: "header" } });
  private readonly foot = h("footer", { class: "foot", attrs: { part: "footer" } });
  private readonly status = h("div", { class: "sr", attrs: { role: "status", "aria-live": "polite" } });
  /** Says why a choice was taken back. */
  private readonly notice = h("p", { class: "notice", attrs: { role: "alert", part: "notice" } });
  private readonly cards = new Map<string, Card>();
  private readonly live: LiveUpdates;
  private readonly watch: SessionWatch;
  /** Whose end the streams tell. */
  private streamToken = "";
  private readonly liveMark = new LiveMark(() => {
    this.live.set({ paused: !this.live.isPaused });
    this.updateLive();
  });
  private liveState: LiveState = "off";
  /** What the host wants, whatever the dashboard says. */
  private ownLive: boolean | null = null;
  private readonly observer: ResizeObserver;
  /** Pages switch to dark by a class or an attribute of one of these: then colours are read anew. */
  private readonly pageObserver = new MutationObserver(() => this.pageChanged());
  private readonly darkQuery = matchMedia("(prefers-color-scheme: dark)");
  private readonly motionQuery = matchMedia("(prefers-reduced-motion: reduce)");
  private bar: FilterBar | null = null;
  private chips: Chips | null = null;
  private context: ViewContext | null = null;
  private panel: DrillPanel | null = null;
  private size: GridSize = "wide";
  private ownTheme: Theme = {};
  private theme: ResolvedTheme = resolveTheme(undefined, false);
  private signature = "";
  private themedFor = "";
  private reported = { width: -1, height: -1 };
  private endWake: () => void = () => undefined;
  private emit: ViewOptions["emit"];
  private readonly customizer: Customizer;
  private readonly colors = new CustomerColors();
  /** The present element has said that it is ready. */
  private isReadyTold = false;

  constructor(private host: HTMLElement, private readonly options: ViewOptions) {
    this.emit = options.emit;
    const { host: server, only, dashboard } = options;
    const listener = (event: ControllerEvent) => this.receive(event);
    this.controller = options.share?.(listener) ?? new DashboardController(
      { host: server, ...(only !== undefined && { only: [only] }), ...(dashboard !== undefined && { dashboard }) }, listener,
    );
    this.customizer = new Customizer({
      root: this.root, grid: this.grid, controller: this.controller,
      cards: () => new Map([...this.cards].map(([id, card]) => [id, card.element])),
      say: (text) => {
        this.status.textContent = text;
      },
      fail: (text, code) => this.context?.fail(text, code),
      calm: () => {
        this.notice.textContent = "";
      },
      place: () => this.placeAgain(), measure: () => this.measure(),
    });
    this.live = new LiveUpdates(this.controller, {
      host: server, slot: slotsOf(server),
      show: (state) => this.showLive(state), updated: () => this.liveMark.flash(), ended: (error) => this.endLive(error),
    });
    this.watch = new SessionWatch({
      host: server, slot: slotsOf(server, 1), ended: (error) => this.endLive(error),
      // Who has paused the dashboard wants it to stay as it is.
      refresh: () => (this.live.isPaused ? Promise.resolve("done" as const) : this.controller.refreshQuietly()),
    });
    this.observer = new ResizeObserver(() => this.measure());
    this.root.dataset["single"] = options.only !== undefined ? "true" : "false";
    this.applyTheme();
    this.showLoading();
  }

  private get single(): boolean {
    return this.options.only !== undefined;
  }

  connect(): void {
    this.observer.observe(this.root);
    this.darkQuery.addEventListener("change", this.mediaChanged);
    this.motionQuery.addEventListener("change", this.mediaChanged);
    this.size = gridSize(this.root.clientWidth || this.host.clientWidth || 1200);
    this.root.dataset["size"] = this.size;
    window.addEventListener("online", this.online);
    document.addEventListener("visibilitychange", this.visibilityChanged);
    this.endWake = onWake(() => this.controller.checkExpiry());
    this.visibilityChanged();
    // The first number and date formats load the platform's tables (some 40 ms here): better while the server works.
    setTimeout(() => {
      formatValue(1, {}, "en");
      exactTime("2020-01-01T00:00:00Z", { locale: "en", timezone: "UTC" });
    });
    this.watchPage();
    // The host page's font is the right one, unless the page has none: then it would be Times.
    if (/^["']?(times|times new roman|serif)["']?$/i.test(getComputedStyle(this.host).fontFamily)) this.root.dataset["plain"] = "";
  }

  disconnect(): void {
    window.removeEventListener("online", this.online);
    document.removeEventListener("visibilitychange", this.visibilityChanged);
    this.endWake();
    this.live.set({ token: null });
    this.watch.set({ token: null });
    this.observer.disconnect();
    this.pageObserver.disconnect();
    this.darkQuery.removeEventListener("change", this.mediaChanged);
    this.motionQuery.removeEventListener("change", this.mediaChanged);
    this.controller.destroy();
    this.bar?.destroy();
    this.closePanel();
    this.customizer.stop();
    for (const card of this.cards.values()) card.destroy();
    this.colors.release();
  }

  /** All that is shown goes on in another element; what it has to say is said by that one. */
  moveTo(host: HTMLElement, shadow: ShadowRoot, emit: ViewOptions["emit"]): void {
    this.host = host;
    this.emit = emit;
    this.isReadyTold = false;
    moveInto(shadow, this.root);
    this.watchPage();
    this.reported = { width: -1, height: -1 };
    this.measure();
  }

  /** Colours of the host page, laid over those of the published dashboard. */
  setTheme(theme: Theme): void {
    this.ownTheme = theme;
    this.applyTheme();
    this.refresh();
  }

  /** Whether the dashboard refreshes by itself when events arrive; null leaves it to the dashboard. */
  setLive(live: boolean | null): void {
    this.ownLive = live;
    this.updateLive();
  }

  private receive(event: ControllerEvent): void {
    switch (event.type) {
      case "phase":
        if (event.phase === "loading" || event.phase === "idle") this.showLoading();
        if (event.phase === "failed") this.showFailure();
        if (event.phase === "failed" || this.controller.config === null) this.updateLive();
        break;
      case "forgotten":
        this.emit("forgotten", {});
        break;
      case "config":
        this.showConfig(event.config);
        this.updateLive();
        break;
      case "state":
        this.bar?.update(event.state);
        this.chips?.update(event.state);
        for (const card of this.cards.values()) card.mark();
        this.panel?.reload();
        // Said anew after each change: a live region that keeps its words is silent.
        this.status.textContent = "";
        this.notice.textContent = "";
        this.measure();
        break;
      case "widget":
        this.cards.get(event.id)?.update(event.widget);
        break;
      case "settled":
        this.status.textContent = strings.updated;
        this.measure();
        if (this.isReadyTold) this.emit("settled", { whole: event.whole });
        else this.emit("ready", { dashboardId: this.controller.config?.id ?? null, name: this.controller.config?.name ?? "" });
        this.isReadyTold = true;
        break;
      case "filter":
        this.emit("filter", { filters: event.filters });
        break;
      case "period-change":
        this.emit("period-change", { period: event.period });
        break;
      case "error":
        if (event.reverted) this.notice.textContent = describeError(event.code, 0, event.message).text;
        this.emit("error", { code: event.code, message: event.message });
        break;
      case "token-expiring":
        this.emit("token-expiring", { expiresAt: event.expiresAt });
        break;
    }
  }

  private showLoading(): void {
    this.closePanel();
    this.customizer.stop();
    this.forget();
    const bones = [3, 3, 3, 3, 12, 6, 6].map((columns, index) => {
      const card = h("div", { class: "card ghost" }, h("div", { class: "bone title" }), index < 4 ? h("div", { class: "bone big" }) : null);
      card.style.gridColumn = `span ${columns}`;
      card.style.gridRow = `span ${index < 4 ? 2 : 4}`;
      return card;
    });
    replace(this.grid, ...(this.single ? bones.slice(4, 5) : bones));
    replace(this.root, this.single ? null : h("header", { class: "head" }, h("div", { class: "bone heading" })), this.grid, h("p", { class: "sr", attrs: { role: "status" } }, strings.loadingDashboard));
  }

  private showFailure(): void {
    this.closePanel();
    this.customizer.stop();
    this.forget();
    const error = this.controller.error;
    const words = describeError(error?.code ?? "", error?.status ?? 0, error?.message ?? "");
    const again = error && (error.isSession || error.code === "dashboard_mismatch") ? [] : [h("button", { class: "button", attrs: { type: "button" }, on: { click: () => this.controller.reload() } }, strings.retry)];
    const reference = error?.requestId ? [h("p", { class: "message-reference" }, strings.requestId(error.requestId))] : [];
    replace(this.root, h("div", { class: "card failure" }, message(error?.isSession ? "calm" : "alert", words.title, words.text, [...again, ...reference])));
  }

  private showConfig(config: DashboardConfig): void {
    // A new session for the same published dashboard: what stands there stays.
    const signature = signatureOf(config);
    if (signature === this.signature && this.cards.size > 0) return;
    this.signature = signature;
    this.closePanel();
    this.customizer.stop();
    this.applyTheme();
    const context = this.makeContext(config);
    this.context = context;
    if (config.widgets.some((widget) => faceOf(widget) === "chart" || widget.kind === "breakdown")) {
      // Fetched while the data is on its way; a failure shows where a chart needs it.
      loadECharts(this.options.assets).catch(() => undefined);
    }
    this.bar?.destroy();
    this.bar = this.single ? null : new FilterBar(context);
    this.chips = this.single ? null : new Chips(context);
    this.clearCards();
    for (const widget of config.widgets) {
      const card = new Card(widget, context);
      this.cards.set(widget.id, card);
      card.update(this.controller.widget(widget.id));
    }
    replace(this.grid, ...config.widgets.map((widget) => this.cards.get(widget.id)?.element));
    this.place();
    this.fillHead(config);
    this.fillFoot();
    const empty = config.widgets.length === 0 ? h("div", { class: "card failure" }, message("empty", "", this.single ? strings.widgetMissing : strings.emptyDashboard)) : null;
    if (this.single) replace(this.root, this.notice, this.grid, empty, this.status);
    else replace(this.root, this.head, this.chips?.element, this.notice, this.customizer.place, this.grid, empty, this.foot, this.status);
    this.bar?.update(this.controller.state);
    this.chips?.update(this.controller.state);
  }

  private fillHead(config: DashboardConfig): void {
    if (this.context) this.customizer.update(this.context);
    const logo = this.theme.logoUrl ? safeImageURL(this.theme.logoUrl) : null;
    replace(
      this.head,
      h(
        "div",
        { class: "brand" },
        logo !== null && h("img", { class: "logo", attrs: { part: "logo", src: logo, alt: "", referrerpolicy: "no-referrer" } }),
        h("h2", { class: "name", attrs: { part: "name" } }, config.name),
        this.liveState !== "off" && this.liveMark.element,
      ),
      h("div", { class: "controls" }, this.bar?.element, this.customizer.tools),
    );
  }

  private fillFoot(): void {
    replace(
      this.foot,
      this.theme.poweredBy && h("span", { class: "badge" }, h("span", { class: "badge-mark" }), strings.poweredBy),
    );
    this.foot.hidden = !this.theme.poweredBy;
  }

  /** A new context makes every card draw again. */
  private refresh(): void {
    const config = this.controller.config;
    if (!config || !this.context || this.controller.phase === "failed") return;
    this.context = this.makeContext(config);
    for (const card of this.cards.values()) card.setContext(this.context);
    this.panel?.setContext(this.context);
    if (!this.single) {
      this.fillHead(config);
      this.fillFoot();
    }
  }

  /** After the viewer has arranged the widgets: those of the configuration are where they stand. */
  private placeAgain(): void {
    const { config } = this.controller;
    if (!config) return;
    this.signature = signatureOf(config);
    this.size = gridSize(this.root.clientWidth);
    this.root.dataset["size"] = this.size;
    this.place();
    this.refresh();
    this.measure();
  }

  private place(): void {
    const config = this.controller.config;
    if (!config || this.customizer.isEditing) return;
    this.grid.style.setProperty("--row", `${Math.min(240, Math.max(24, config.layout.row_height ?? 80))}px`);
    if (this.single) return;
    const placements = layout(config.widgets, this.size, config.customized === true);
    for (const placement of placements) {
      const element = this.cards.get(placement.id)?.element;
      if (!element) continue;
      element.style.gridColumn = `${placement.column} / span ${placement.columns}`;
      element.style.gridRow = `${placement.row} / span ${placement.rows}`;
      element.dataset["rows"] = String(placement.rows);
    }
    // Tab key and screen readers go from card to card as the eye does.
    const inOrder = [...placements].sort((one, other) => one.row - other.row || one.column - other.column);
    putInOrder(this.grid, inOrder.flatMap(({ id }) => this.cards.get(id)?.element ?? []));
  }

  private makeContext(config: DashboardConfig): ViewContext {
    return {
      controller: this.controller,
      config,
      theme: this.theme,
      colors: this.colors.of(config.session.tenant_id ?? ""),
      size: this.size,
      locale: safeLocale(config.session.locale),
      timezone: config.session.timezone ?? "UTC",
      fontFamily: getComputedStyle(this.root).fontFamily || "sans-serif",
      reducedMotion: this.motionQuery.matches,
      assets: this.options.assets,
      onPick: (widget, picked) => this.pick(widget, picked),
      showDetails: (widget) => {
        const { result } = this.controller.widget(widget.id);
        if (result) this.openPanel(widget, { range: { from: result.meta.from, to: result.meta.to } }, true);
      },
      remove: (widget) => void this.customizer.remove(widget),
      fail: (text, code) => {
        this.notice.textContent = text;
        this.emit("error", { code, message: text });
      },
      reserve: (bottom) => {
        this.root.style.minHeight = bottom > 0 ? `${Math.ceil(bottom)}px` : "";
      },
    };
  }

  /** A click on a value: the host hears of it, and then it filters the dashboard or opens the panel, as author and session have it. */
  private pick(widget: WidgetConfig, picked: Picked): void {
    const { context } = this;
    const config = this.controller.published;
    if (!context || !config) return;
    const exact = exactPick(picked, this.controller.widget(widget.id).result, context.timezone);
    const effect = clickEffect(widget, exact, config);
    if (effect === null) return;
    if (config.permissions.allow_drill_down !== false) {
      const { secondDimension, secondValue } = picked;
      const { range } = exact;
      this.emit("drill", {
        dimension: picked.dimension ?? "time", value: picked.value ?? range?.from ?? "", widgetId: widget.id,
        ...(range && { range }), ...(secondDimension !== undefined && { secondDimension, secondValue: secondValue ?? "" }),
      });
    }
    if (effect === "filter") this.controller.crossFilter(widget.id, exact);
    if (effect === "drill") this.openPanel(widget, exact, false);
  }

  private openPanel(widget: WidgetConfig, picked: Picked, isWhole: boolean): void {
    const { context } = this;
    const { query } = widget;
    if (!context || !query) return;
    this.panel?.destroy();
    this.panel = new DrillPanel({ ...widget, query }, picked, isWhole, context);
    this.panel.open(this.root);
  }

  private closePanel(): void {
    this.panel?.destroy();
    this.panel = null;
  }

  /** Also called by hand: browsers put off observers in frames outside the viewport, and the host waits for the height. */
  private measure(): void {
    const { clientWidth: width, offsetHeight: height } = this.root;
    const size = gridSize(width);
    if (width > 0 && size !== this.size && !this.customizer.isEditing) {
      this.size = size;
      this.root.dataset["size"] = size;
      this.place();
      this.refresh();
    }
    if (width !== this.reported.width || height !== this.reported.height) {
      this.reported = { width, height };
      this.emit("resize", { width, height });
    }
  }

  private applyTheme(): void {
    this.themedFor = this.surroundings();
    const merged = { ...this.controller.config?.theme, ...themeOfPage(this.host), ...definedOnly(this.ownTheme) };
    this.theme = resolveTheme(merged, this.prefersDark());
    const { theme } = this;
    this.root.dataset["mode"] = theme.mode;
    const variables: Record<string, string> = {
      "--background": theme.background, "--card": theme.card, "--card-border": theme.cardBorder, "--text": theme.text, "--muted": theme.muted,
      "--line": theme.line, "--track": theme.track, "--hover": theme.hover, "--primary": theme.primary, "--on-primary": theme.onPrimary,
      "--primary-text": theme.primaryText, "--primary-soft": theme.primarySoft, "--positive": theme.positive, "--positive-soft": theme.positiveSoft,
      "--negative": theme.negative, "--negative-soft": theme.negativeSoft, "--popover": theme.popover,
    };
    for (const [name, value] of Object.entries(variables)) this.root.style.setProperty(name, value);
    this.root.style.fontFamily = theme.fontFamily ?? "";
    this.emit("theme", { mode: theme.mode, background: theme.background });
  }

  /** `auto` follows the page around it when that has decided on a colour scheme, else the system. */
  private prefersDark(): boolean {
    const scheme = this.host.isConnected ? getComputedStyle(this.host).colorScheme : "normal";
    if (scheme === "dark" || scheme === "only dark") return true;
    if (scheme === "light" || scheme === "only light") return false;
    return this.darkQuery.matches;
  }

  private updateLive(): void {
    const { config, phase, token } = this.controller;
    this.streamToken = token;
    const wanted = config !== null && phase !== "failed" && (this.ownLive ?? config.live === true);
    this.live.set({ token: wanted ? token : null });
    // Servers that do not say what a session opens have no stream of its end, either.
    const watched = config?.dashboards !== undefined && phase !== "failed" && (!wanted || this.live.isPaused);
    this.watch.set({ token: watched ? token : null, dashboard: this.controller.choice });
  }

  private showLive(state: LiveState): void {
    // Said only when something is amiss, and when it is over.
    if (state === "waiting") this.status.textContent = strings.liveLost;
    if (state === "on" && this.liveState === "waiting") this.status.textContent = strings.liveBack;
    this.liveState = state;
    if (state === "off") this.liveMark.element.remove();
    else {
      this.liveMark.show(state);
      if (!this.liveMark.element.isConnected) this.head.querySelector(".brand")?.append(this.liveMark.element);
    }
  }

  /** An expired session shows what it has shown, and the host may bring another; one that was withdrawn shows nothing more. */
  private endLive(error: EmbanError): void {
    // Of the session before, which a back end may withdraw as soon as it has made the next one.
    if (this.streamToken !== this.controller.token) return;
    if (error.code === "token_expired") this.controller.sessionEnded(new EmbanError(error.code, describeError(error.code, error.status, error.message).text, error.status));
    else if (error.isSession || error.code === "dashboard_not_published") this.controller.refuse(error);
  }

  private readonly visibilityChanged = (): void => {
    const visible = document.visibilityState !== "hidden";
    this.live.set({ visible });
    this.watch.set({ visible });
  };

  private readonly online = (): void => {
    this.controller.reconnect();
    this.live.hurry();
    this.watch.hurry();
  };

  private watchPage(): void {
    this.pageObserver.disconnect();
    for (const element of [document.documentElement, document.body, this.host]) {
      this.pageObserver.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-theme", "data-mode", "data-color-scheme", "data-bs-theme"] });
    }
  }

  private pageChanged(): void {
    const surroundings = this.surroundings();
    if (surroundings === this.themedFor) return;
    this.applyTheme();
    this.refresh();
  }

  /** All that the page around has to say about colours. */
  private surroundings(): string {
    return JSON.stringify([themeOfPage(this.host), this.prefersDark()]);
  }

  private readonly mediaChanged = (): void => {
    this.applyTheme();
    this.refresh();
  };

  /** Nothing of what was shown is kept. */
  private forget(): void {
    this.clearCards();
    this.bar?.destroy();
    this.bar = null;
    this.chips = null;
    this.context = null;
    this.signature = "";
    this.customizer.forget();
    if (this.controller.config === null) this.colors.release();
    this.notice.textContent = "";
    this.status.textContent = "";
    replace(this.head);
    replace(this.grid);
  }

  private clearCards(): void {
    for (const card of this.cards.values()) card.destroy();
    this.cards.clear();
  }
}

/** What of a configuration is drawn: the session's times are not. */
function signatureOf(config: DashboardConfig): string {
  return JSON.stringify({ ...config, expires_at: "", server_time: "", session: { ...config.session, expires_at: "", server_time: "" } });
}

function definedOnly(theme: Theme): Theme {
  return Object.fromEntries(Object.entries(theme).filter(([, value]) => value !== undefined && value !== null));
}
