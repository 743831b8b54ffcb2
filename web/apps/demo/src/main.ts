import type { EmbanHandle, EmbanTheme } from "@emban/embed-helper";
import { backEndCode, pageCode, type Embedding } from "./snippets";

/** What a host product needs from its own back end: who may sign in here, and a session for one of them. */
interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
}

interface Session {
  readonly embed_url: string;
  readonly token: string;
  readonly expires_at: string;
  readonly dashboard_id: string;
}

interface DashboardElement extends HTMLElement {
  setTheme(theme: EmbanTheme): void;
}

class Demo {
  private tenants: readonly Tenant[] = [];
  private tenant: Tenant | null = null;
  private session: Session | null = null;
  private embedding: Embedding = "iframe";
  private dark = matchMedia("(prefers-color-scheme: dark)").matches;
  private green = false;
  private frame: EmbanHandle | null = null;
  private component: DashboardElement | null = null;
  private turn = 0;

  async start(): Promise<void> {
    this.bind();
    this.applyTheme();
    const answer = (await this.call("/demo/api/tenants")) as { tenants: Tenant[] };
    this.tenants = answer.tenants;
    const wanted = new URLSearchParams(location.search).get("tenant");
    const first = this.tenants.find((tenant) => tenant.id === wanted) ?? this.tenants[0];
    if (!first) throw new Error("The demo has no customers.");
    this.showCustomers();
    await this.signIn(first);
  }

  private bind(): void {
    for (const name of ["iframe", "component"] as const) {
      const tab = element(`tab-${name}`);
      tab.addEventListener("click", () => this.embed(name));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        const other = name === "iframe" ? "component" : "iframe";
        this.embed(other);
        element(`tab-${other}`).focus();
      });
    }
    element("dark").addEventListener("click", () => {
      this.dark = !this.dark;
      this.applyTheme();
    });
    element("accent").addEventListener("click", () => {
      this.green = !this.green;
      this.applyTheme();
    });
    element("clear").addEventListener("click", () => element("log").replaceChildren());
    for (const button of Array.from(document.querySelectorAll<HTMLElement>("[data-copy]"))) {
      button.addEventListener("click", () => {
        const text = element(button.dataset["copy"] ?? "").textContent ?? "";
        void navigator.clipboard?.writeText(text).then(() => {
          button.textContent = "Copied";
          setTimeout(() => (button.textContent = "Copy"), 1500);
        });
      });
    }
  }

  private showCustomers(): void {
    const group = element("customers");
    const buttons = this.tenants.map((tenant, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "customer";
      button.textContent = tenant.name;
      button.dataset["tenant"] = tenant.id;
      button.setAttribute("role", "radio");
      button.addEventListener("click", () => void this.signIn(tenant).catch(report));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const next = buttons[(index + step + buttons.length) % buttons.length];
        next?.click();
        next?.focus();
      });
      return button;
    });
    group.replaceChildren(...buttons);
  }

  private async signIn(tenant: Tenant): Promise<void> {
    this.tenant = tenant;
    for (const button of Array.from(document.querySelectorAll<HTMLElement>(".customer"))) {
      const on = button.dataset["tenant"] === tenant.id;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    element("account-name").textContent = tenant.name;
    element("account-plan").textContent = `${tenant.plan} plan`;
    element("avatar").textContent = tenant.name.slice(0, 1);
    element("lead").textContent = `What ${tenant.name} sent to Northwind API.`;
    this.turn += 1;
    const turn = this.turn;
    const session = await this.newSession(tenant);
    // Somebody may have switched on while the session was made.
    if (turn !== this.turn) return;
    this.session = session;
    element("notice").hidden = true;
    this.show();
  }

  private async newSession(tenant: Tenant): Promise<Session> {
    return (await this.call("/demo/api/session", { tenant_id: tenant.id })) as Session;
  }

  private embed(embedding: Embedding): void {
    this.embedding = embedding;
    for (const name of ["iframe", "component"] as const) {
      const on = name === embedding;
      element(`tab-${name}`).setAttribute("aria-selected", String(on));
      element(`tab-${name}`).tabIndex = on ? 0 : -1;
      element(`panel-${name}`).hidden = !on;
    }
    this.show();
  }

  private show(): void {
    const { session, tenant } = this;
    if (!session || !tenant) return;
    element("code-back").textContent = backEndCode(location.origin, tenant.id, session.dashboard_id);
    element("code-page").textContent = pageCode(this.embedding, location.origin, session.dashboard_id);
    if (this.embedding === "iframe") this.showFrame(session);
    else void this.showComponent(session).catch(report);
  }

  private showFrame(session: Session): void {
    if (this.frame) {
      this.frame.setEmbedUrl(session.embed_url);
      return;
    }
    if (!window.Emban) throw new Error("emban-embed.js did not load.");
    const frame = window.Emban.create({
      container: "#panel-iframe",
      embedUrl: session.embed_url,
      fetchEmbedUrl: async () => (this.tenant ? (await this.newSession(this.tenant)).embed_url : session.embed_url),
      theme: this.theme(),
      title: "Usage dashboard",
    });
    for (const name of ["ready", "resize", "drill", "filter", "period-change", "error"] as const) {
      frame.on(name, (detail) => this.log(name, detail));
    }
    this.frame = frame;
  }

  private async showComponent(session: Session): Promise<void> {
    if (!this.component) {
      await loadScript("/sdk/emban-dashboard.js");
      const component = document.createElement("emban-dashboard") as DashboardElement;
      component.setAttribute("dashboard-id", session.dashboard_id);
      for (const name of ["ready", "drill", "filter", "period-change", "error"]) {
        component.addEventListener(`emban-${name}`, (event) => this.log(`emban-${name}`, (event as CustomEvent<unknown>).detail));
      }
      component.addEventListener("emban-token-expiring", () => {
        if (this.tenant) void this.newSession(this.tenant).then((next) => component.setAttribute("token", next.token), report);
      });
      element("panel-component").replaceChildren(component);
      component.setTheme(this.theme());
      this.component = component;
    }
    this.component.setAttribute("token", session.token);
  }

  /** The dashboard takes on the page's own ground, so that nobody sees where the product ends and Emban begins. */
  private theme(): EmbanTheme {
    const primary = this.green ? (this.dark ? "#5cc9a0" : "#1b6b50") : this.dark ? "#8094ff" : "#4a63e7";
    return { mode: this.dark ? "dark" : "light", backgroundColor: "transparent", primaryColor: primary };
  }

  private applyTheme(): void {
    document.documentElement.dataset["theme"] = this.dark ? "dark" : "light";
    element("dark").setAttribute("aria-pressed", String(this.dark));
    element("accent").setAttribute("aria-pressed", String(this.green));
    this.frame?.setTheme(this.theme());
    this.component?.setTheme(this.theme());
  }

  private log(name: string, detail: unknown): void {
    const line = document.createElement("li");
    const label = document.createElement("span");
    label.className = "name";
    label.textContent = name;
    const data = document.createElement("span");
    data.className = "data";
    data.textContent = JSON.stringify(detail);
    line.append(label, data);
    const log = element("log");
    log.prepend(line);
    while (log.children.length > 40) log.lastElementChild?.remove();
  }

  private async call(path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(path, body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error((answer as { message?: string }).message ?? `The demo's back end answered ${response.status}.`);
    return answer;
  }
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing`);
  return found;
}

function loadScript(source: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${source} did not load.`));
    document.head.append(script);
  });
}

function report(error: unknown): void {
  const notice = element("notice");
  notice.textContent = error instanceof Error ? error.message : "Something went wrong.";
  notice.hidden = false;
}

void new Demo().start().catch(report);
