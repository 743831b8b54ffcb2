import { h } from "../dom";

/** A box for a table: scrolls sideways, by keyboard too, and fades the edges behind which there is more. */
export class ScrollBox {
  readonly element: HTMLElement;
  private readonly observer: ResizeObserver;

  constructor(label: string) {
    this.element = h("div", {
      class: "table-scroll", attrs: { tabindex: 0, role: "region", "aria-label": label }, on: { scroll: () => this.update() },
    });
    this.observer = new ResizeObserver(() => this.update());
    this.observer.observe(this.element);
  }

  /** To be called when the content has changed. */
  update(): void {
    const { scrollLeft, scrollWidth, clientWidth } = this.element;
    const before = Math.abs(scrollLeft);
    this.element.toggleAttribute("data-before", before > 1);
    this.element.toggleAttribute("data-after", scrollWidth - clientWidth - before > 1);
  }

  destroy(): void {
    this.observer.disconnect();
  }
}
