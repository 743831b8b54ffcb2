import { strings, type LiveState } from "@emban/core";
import { h } from "./dom";

/** Says that the dashboard updates by itself, and is the button that stops and resumes it: what moves by itself must be stoppable (WCAG 2.2.2). */
export class LiveMark {
  readonly element = h("button", { class: "live", attrs: { type: "button" }, on: { click: () => this.toggle() } });
  private calm: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly toggle: () => void) {}

  show(state: Exclude<LiveState, "off">): void {
    this.element.dataset["state"] = state;
    this.element.textContent = strings.live[state].text;
    this.element.title = strings.live[state].hint;
  }

  /** Lights up for a moment. */
  flash(): void {
    clearTimeout(this.calm);
    this.element.classList.add("fresh");
    this.calm = setTimeout(() => this.element.classList.remove("fresh"), 1000);
  }
}
