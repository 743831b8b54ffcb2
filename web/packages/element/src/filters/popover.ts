import { h, icon, replace, setAttribute, uniqueId } from "../dom";

export interface PopoverOptions {
  readonly label: string;
  readonly icon?: "calendar";
  /** What the panel holds: a list of values with a search field, or a form. */
  readonly content: "list" | "form";
  /** Called each time the panel opens; returns the element to focus. */
  readonly open: (panel: HTMLElement) => HTMLElement | null;
  readonly closed?: () => void;
  readonly reserve: (bottom: number) => void;
}

/** A button with a panel below it. Escape and a click elsewhere close it; the focus returns to the button. */
export class Popover {
  readonly element: HTMLElement;
  readonly trigger: HTMLButtonElement;
  private readonly panel: HTMLElement;
  private readonly text = h("span", { class: "field-text" });
  private readonly options: PopoverOptions;
  private isOpen = false;

  constructor(options: PopoverOptions) {
    this.options = options;
    const id = uniqueId("panel");
    this.panel = h("div", { class: `panel ${options.content}`, attrs: { id, part: "popover", hidden: true, role: "dialog", "aria-label": options.label } });
    this.trigger = h(
      "button",
      {
        class: "field",
        attrs: { type: "button", part: "filter", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": id },
        on: { click: () => (this.isOpen ? this.close() : this.open()), keydown: (event) => this.triggerKey(event as KeyboardEvent) },
      },
      options.icon ? icon(options.icon) : null,
      this.text,
      icon("chevron", 14),
    );
    this.element = h("div", { class: "popover", on: { keydown: (event) => this.key(event as KeyboardEvent), focusout: (event) => this.focusLeft(event as FocusEvent) } }, this.trigger, this.panel);
  }

  /** The button's face: the filter's name, and its value when one is set. */
  setText(label: string, value: string | null): void {
    setAttribute(this.trigger, "data-set", value !== null);
    replace(this.text, h("span", { class: "field-label" }, label), value !== null && h("span", { class: "field-value" }, value));
  }

  close(refocus = true): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.panel.hidden = true;
    setAttribute(this.trigger, "aria-expanded", "false");
    document.removeEventListener("pointerdown", this.outside, true);
    this.options.reserve(0);
    if (refocus) this.trigger.focus();
    this.options.closed?.();
  }

  destroy(): void {
    document.removeEventListener("pointerdown", this.outside, true);
  }

  private open(): void {
    this.isOpen = true;
    const focus = this.options.open(this.panel);
    this.panel.hidden = false;
    setAttribute(this.trigger, "aria-expanded", "true");
    document.addEventListener("pointerdown", this.outside, true);
    this.place();
    focus?.focus();
  }

  /** Opens towards the left when there is no room on the right, and never wider than the dashboard. */
  private place(): void {
    const root = this.element.closest(".root");
    if (!(root instanceof HTMLElement)) return;
    this.panel.style.removeProperty("--shift");
    const frame = root.getBoundingClientRect();
    const box = this.panel.getBoundingClientRect();
    const overflow = box.right - (frame.right - 12);
    const shift = overflow > 0 ? -Math.min(overflow, Math.max(0, box.left - frame.left - 8)) : 0;
    this.panel.style.setProperty("--shift", `${shift}px`);
    this.options.reserve(box.bottom - frame.top + 12);
  }

  private readonly outside = (event: Event): void => {
    if (!event.composedPath().includes(this.element)) this.close(false);
  };

  private focusLeft(event: FocusEvent): void {
    const next = event.relatedTarget;
    if (this.isOpen && next instanceof Node && !this.element.contains(next)) this.close(false);
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.isOpen) return;
    event.stopPropagation();
    event.preventDefault();
    this.close();
  }

  private triggerKey(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" && !this.isOpen) {
      event.preventDefault();
      this.open();
    }
  }
}
