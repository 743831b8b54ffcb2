import { readFilters, readTheme, readToken, Recovery, type Filters, type Theme } from "@emban/core";
import styles from "emban-styles";
import { scriptBase } from "./base";
import { DashboardView } from "./dashboard-view";
import { loadECharts } from "./echarts";

let sheet: CSSStyleSheet | null = null;

function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
  }
  return sheet;
}

/** Where pages are rendered on a server there are no elements; importing this must not fail there. */
const Base = typeof HTMLElement === "undefined" ? (class {} as unknown as typeof HTMLElement) : HTMLElement;

/**
 * What `<emban-dashboard>` and `<emban-widget>` share: live attributes `token`, `host`, `theme` and `filters` (both JSON), `mode`
 * and `live`, the methods `setFilters`, `setTheme` and `reload`, and the DOM events `emban-ready`, `emban-drill`, `emban-filter`,
 * `emban-period-change`, `emban-error`, `emban-token-expiring` and `emban-resize`.
 */
export abstract class EmbanElement extends Base {
  static get observedAttributes(): string[] {
    return ["token", "host", "theme", "filters", "mode", "live", "dashboard-id", "widget-id"];
  }

  private view: DashboardView | null = null;
  private given: Theme = {};
  private recovery: Recovery | null = null;
  /** The token that comes is one that `fetchToken` brought. */
  private isAdopting = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [styleSheet()];
  }

  protected abstract get only(): string | undefined;

  /**
   * Asks your back end for a fresh token; called before the session ends, and when it has ended or was revoked. Without it set a new `token` on
   * `emban-token-expiring`.
   */
  get fetchToken(): (() => Promise<string> | string) | null {
    return this.fetcher;
  }

  set fetchToken(fetcher: (() => Promise<string> | string) | null) {
    this.fetcher = fetcher;
    if (this.isConnected) this.startRecovery();
  }

  private fetcher: (() => Promise<string> | string) | null = null;

  connectedCallback(): void {
    this.adoptProperties();
    this.start();
  }

  disconnectedCallback(): void {
    this.stop();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    if (name === "token") {
      if (!after) this.recovery?.discard();
      else if (!this.isAdopting) this.recovery?.works();
      this.view?.controller.setToken(after ?? "");
    }
    else if (name === "theme" || name === "mode") this.applyTheme();
    else if (name === "filters") this.setFilters(this.parse("filters"));
    else if (name === "live") this.applyLive();
    else if (name === "dashboard-id" && before === null) this.view?.controller.setDashboard(after || null);
    else if (name === "host" || name === "widget-id" || name === "dashboard-id") {
      this.stop();
      this.start();
    }
  }

  /** Replaces the parts that `filters` names; null empties one. */
  setFilters(filters: unknown): void {
    if (filters === undefined) return;
    this.guard("invalid_filters", () => this.view?.controller.setFilters(readFilters(filters)));
  }

  /** Lays `theme` over the published one; keys set earlier stay. */
  setTheme(theme: unknown): void {
    this.guard("invalid_theme", () => {
      this.given = { ...this.given, ...readTheme(theme) };
      this.applyTheme();
    });
  }

  reload(): void {
    this.view?.controller.reload();
  }

  get filters(): Filters | null {
    return this.view?.controller.config ? { ...this.view.controller.state } : null;
  }

  /**
   * What a page has set before the script was there stands on the element itself, in front of the accessor: it is set once more, properly. A
   * framework may do so, and a page whose own script runs first.
   */
  protected adoptProperties(): void {
    if (!Object.prototype.hasOwnProperty.call(this, "fetchToken")) return;
    const { fetchToken } = this;
    Reflect.deleteProperty(this, "fetchToken");
    this.fetchToken = fetchToken;
  }

  private start(): void {
    const host = (this.getAttribute("host") ?? scriptBase).replace(/\/+$/, "");
    const dashboard = this.getAttribute("dashboard-id");
    const view = new DashboardView(this, {
      host,
      assets: host,
      ...(this.only !== undefined ? { only: this.only } : {}),
      ...(dashboard ? { dashboard } : {}),
      emit: (name, detail) => this.announce(name, detail),
    });
    this.view = view;
    this.shadowRoot?.replaceChildren(view.root);
    view.connect();
    this.applyTheme();
    this.applyLive();
    this.setFilters(this.parse("filters"));
    const token = this.getAttribute("token");
    if (token) view.controller.setToken(token);
    // Under way while the configuration is asked for; nearly every dashboard draws charts. What fails here is tried and told by the first of them.
    if (token && this.only === undefined) loadECharts(host).catch(() => undefined);
    this.startRecovery();
  }

  private stop(): void {
    this.stopRecovery();
    this.view?.disconnect();
    this.view = null;
  }

  /**
   * Goes on where `earlier` is: what it shows and what the viewer has set become this element's, without a flicker, and it leaves the page.
   * Attributes of this one that differ hold from now on.
   */
  protected takeOver(earlier: EmbanElement): void {
    const { view, shadowRoot } = this.release(earlier);
    if (!view || !shadowRoot) return this.start();
    this.view = view;
    this.given = { ...earlier.given, ...this.given };
    this.fetcher ??= earlier.fetcher;
    view.moveTo(this, shadowRoot, (name, detail) => this.announce(name, detail));
    earlier.remove();
    this.applyTheme();
    this.applyLive();
    if (this.getAttribute("filters") !== earlier.getAttribute("filters")) this.setFilters(this.parse("filters"));
    const token = this.getAttribute("token");
    if (token) view.controller.setToken(token);
    this.startRecovery();
  }

  private release(earlier: EmbanElement): { readonly view: DashboardView | null; readonly shadowRoot: ShadowRoot | null } {
    const { view } = earlier;
    earlier.view = null;
    earlier.stopRecovery();
    return { view, shadowRoot: this.shadowRoot };
  }

  /** True when it shows, or is about to show, a dashboard. */
  protected get isAtWork(): boolean {
    return this.view !== null;
  }

  private startRecovery(): void {
    this.stopRecovery();
    const fetch = this.fetcher;
    if (!fetch) return;
    this.recovery = new Recovery({
      fetch,
      adopt: (brought) => {
        const token = readToken(brought);
        this.isAdopting = true;
        try {
          this.setAttribute("token", token);
        } finally {
          this.isAdopting = false;
        }
      },
      token: () => this.getAttribute("token") ?? "",
      failed: (message) => this.announce("error", { code: "token_failed", message: message || "The token could not be fetched." }),
      gaveUp: () => this.announce("error", { code: "session_refused", message: "The tokens of fetchToken are refused; no more are asked for." }),
    });
    if (!this.getAttribute("token")) this.recovery.request();
  }

  private stopRecovery(): void {
    this.recovery?.stop();
    this.recovery = null;
  }

  private applyTheme(): void {
    this.guard("invalid_theme", () => {
      const parsed = this.parse("theme");
      const mode = this.getAttribute("mode");
      const theme = { ...(parsed === undefined ? {} : readTheme(parsed)), ...this.given, ...(mode === null ? {} : readTheme({ mode })) };
      this.view?.setTheme(theme);
    });
  }

  /** `live` alone is on; absent, the dashboard decides. */
  private applyLive(): void {
    const live = this.getAttribute("live");
    this.view?.setLive(live === null ? null : !/^(off|false|0)$/i.test(live));
  }

  private parse(attribute: string): unknown {
    const text = this.getAttribute(attribute);
    if (text === null || text.trim() === "") return undefined;
    try {
      return JSON.parse(text);
    } catch {
      this.announce("error", { code: `invalid_${attribute}`, message: `The attribute ${attribute} is not JSON.` });
      return undefined;
    }
  }

  private guard(code: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.announce("error", { code, message: error.message });
    }
  }

  private announce(name: string, detail: Record<string, unknown>): void {
    if (name === "forgotten") return this.setFilters(this.parse("filters"));
    if (name === "ready" || name === "settled") this.recovery?.works();
    if (name === "token-expiring") this.recovery?.request();
    if (name === "error") this.recovery?.failed(detail["code"]);
    this.dispatchEvent(new CustomEvent(`emban-${name}`, { detail, bubbles: true, composed: true }));
  }
}

export class EmbanDashboardElement extends EmbanElement {
  protected override get only(): undefined {
    return undefined;
  }
}

export class EmbanWidgetElement extends EmbanElement {
  protected override get only(): string {
    return this.getAttribute("widget-id") ?? "";
  }
}
