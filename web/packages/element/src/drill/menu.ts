import { canDrill, customizeStrings, drillStrings, isAbort, type WidgetConfig } from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon, replace, setAttribute, uniqueId, type IconName } from "../dom";
import { save } from "./save";

interface Item {
  readonly label: string;
  readonly icon: IconName;
  readonly run: () => void;
}

/** The "⋯" of a card: what can be done with the widget as a whole. Absent where the session permits none of it. */
export class CardMenu {
  readonly element: HTMLElement;
  private readonly list: HTMLElement;
  private isOpen = false;
  private busy = false;

  constructor(private readonly widget: WidgetConfig, private context: ViewContext) {
    const id = uniqueId("menu");
    const label = drillStrings.menu(widget.title);
    this.list = h("div", { class: "menu", attrs: { id, part: "menu", role: "menu", "aria-label": label, hidden: true }, on: { keydown: (event) => this.key(event as KeyboardEvent) } });
    this.element = h(
      "button",
      {
        class: "icon-button menu-button",
        attrs: { type: "button", "aria-label": label, title: drillStrings.menuTip, "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id },
        on: {
          click: () => (this.isOpen ? this.close() : this.open(0)),
          keydown: (event) => this.buttonKey(event as KeyboardEvent),
        },
      },
      icon("more"),
    );
    this.element.hidden = this.items().length === 0;
  }

  setContext(context: ViewContext): void {
    this.context = context;
    this.element.hidden = this.items().length === 0;
    this.close(false);
  }

  destroy(): void {
    this.close(false);
  }

  private items(): readonly Item[] {
    const { widget, context } = this;
    const { permissions } = context.config;
    const config = context.controller.published ?? context.config;
    if (!widget.query) return [];
    return [
      // Any range will do for the question whether there is something to open.
      ...(canDrill(config, [], { from: "", to: "" }) ? [{ label: drillStrings.showDetails, icon: "details" as const, run: () => context.showDetails(widget) }] : []),
      ...(permissions.allow_export !== false ? [{ label: drillStrings.exportCSV, icon: "download" as const, run: () => void this.export() }] : []),
      ...(widget.own && permissions.allow_manage_widgets === true ? [{ label: customizeStrings.remove, icon: "trash" as const, run: () => context.remove(widget) }] : []),
    ];
  }

  private async export(): Promise<void> {
    const { widget, context } = this;
    if (this.busy) return;
    this.busy = true;
    setAttribute(this.element, "aria-busy", "true");
    try {
      save(await context.controller.exportFile(widget.id, "csv"), widget.title, "csv");
    } catch (error) {
      if (!isAbort(error)) context.fail(drillStrings.exportFailed, (error as { code?: string }).code ?? "network");
    } finally {
      this.busy = false;
      setAttribute(this.element, "aria-busy", null);
    }
  }

  private open(focus: number): void {
    const root = this.element.closest<HTMLElement>(".root");
    if (!root) return;
    replace(
      this.list,
      ...this.items().map((item) =>
        h(
          "button",
          {
            class: "menu-item",
            attrs: { type: "button", role: "menuitem", tabindex: -1, part: "menu-item" },
            on: {
              click: () => {
                this.close();
                item.run();
              },
            },
          },
          icon(item.icon),
          h("span", {}, item.label),
        ),
      ),
    );
    root.append(this.list);
    this.isOpen = true;
    this.list.hidden = false;
    setAttribute(this.element, "aria-expanded", "true");
    document.addEventListener("pointerdown", this.outside, true);
    // A card hides what goes beyond it, and the button may stand at any edge of it.
    const frame = root.getBoundingClientRect();
    const button = this.element.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.list;
    const left = Math.max(8, Math.min(button.right - frame.left - offsetWidth, frame.width - offsetWidth - 8));
    const top = button.bottom - frame.top + 4;
    this.list.style.left = `${left}px`;
    this.list.style.top = `${top}px`;
    this.context.reserve(top + offsetHeight + 12);
    this.focus(focus);
  }

  private close(refocus = true): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.list.remove();
    setAttribute(this.element, "aria-expanded", "false");
    document.removeEventListener("pointerdown", this.outside, true);
    this.context.reserve(0);
    if (refocus) this.element.focus();
  }

  private readonly outside = (event: Event): void => {
    const path = event.composedPath();
    if (!path.includes(this.list) && !path.includes(this.element)) this.close(false);
  };

  private focus(index: number): void {
    const items = Array.from(this.list.querySelectorAll<HTMLElement>(".menu-item"));
    items[(index + items.length) % Math.max(1, items.length)]?.focus();
  }

  private buttonKey(event: KeyboardEvent): void {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.open(event.key === "ArrowDown" ? 0 : -1);
  }

  private key(event: KeyboardEvent): void {
    const items = Array.from(this.list.querySelectorAll<HTMLElement>(".menu-item"));
    const now = items.findIndex((item) => item.matches(":focus"));
    const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next !== undefined) this.focus(next);
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    if (event.key !== "Tab") {
      event.preventDefault();
      event.stopPropagation();
    }
  }
}
