/** Marks a scrolling element, so that its style can fade the edges behind which there is more. */
export class ScrollHint {
  private readonly observer = new ResizeObserver(() => this.update());

  constructor(private readonly element: HTMLElement) {
    this.observer.observe(element);
    element.addEventListener("scroll", () => this.update(), { passive: true });
  }

  /** To be called when the content has changed. */
  update(): void {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = this.element;
    // From right to left the offset is negative.
    this.element.toggleAttribute("data-after", scrollWidth - clientWidth - Math.abs(scrollLeft) > 1);
    this.element.toggleAttribute("data-below", scrollHeight - clientHeight - scrollTop > 1);
  }

  destroy(): void {
    this.observer.disconnect();
  }
}
