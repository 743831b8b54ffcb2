import { readFilters, readTheme, type Filters, type Theme } from "@emban/core";
import styles from "emban-styles";
import { scriptBase } from "./base";
import { DashboardView } from "./dashboard-view";

let sheet: CSSStyleSheet | null = null;

function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
  }
  return sheet;
}

/**
 * What `<emban-dashboard>` and `<emban-widget>` share: live attributes `token`, `host`, `theme` and `filters` (both JSON), `mode`
 * and `live`, the methods `setFilters`, `setTheme` and `reload`, and the DOM events `emban-ready`, `emban-drill`, `emban-filter`,
 * `emban-period-change`, `emban-error`, `emban-token-expiring` and `emban-resize`.
 */
export abstract class EmbanElement extends HTMLElement {
  static get observedAttributes(): string[] {
    return ["token", "host", "theme", "filters", "mode", "live", "dashboard-id", "widget-id"];
  }

  private view: DashboardView | null = null;
  private given: Theme = {};

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [styleSheet()];
  }

  protected abstract get only(): string | undefined;

  connectedCallback(): void {
    this.start();
  }

  disconnectedCallback(): void {
    this.stop();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    if (name === "token") this.view?.controller.setToken(after ?? "");
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
  }

  private stop(): void {
    this.view?.disconnect();
    this.view = null;
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
