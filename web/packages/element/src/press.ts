/** A tap is told as a click in a task of its own, some time after the finger has left. */
const tapDelay = 100;

/**
 * Holds drawing back while the pointer is down on an element. Browsers tell of a click only when what was pressed is still there at the
 * release: an answer that is drawn in between would swallow it.
 */
export class Press {
  private held: (() => void) | null = null;
  /** Of the press under way. */
  private listeners: AbortController | null = null;

  constructor(element: HTMLElement) {
    element.addEventListener("pointerdown", () => this.start(), true);
  }

  /** Draws now, or at the release; the last drawing counts. */
  draw(action: () => void): void {
    if (this.listeners) this.held = action;
    else action();
  }

  /** What is held back is overtaken. */
  drop(): void {
    this.held = null;
  }

  private start(): void {
    this.listeners?.abort();
    const press = new AbortController();
    this.listeners = press;
    const { signal } = press;
    const over = () => {
      // A second press may have begun meanwhile.
      if (this.listeners === press) this.release();
    };
    // Once what was clicked has heard of it; a release without a click is over soon.
    window.addEventListener("click", over, { signal });
    for (const name of ["pointerup", "pointercancel"] as const) {
      window.addEventListener(name, (event) => setTimeout(over, event.pointerType === "touch" ? tapDelay : 0), { capture: true, signal });
    }
    // Released where nobody told us, as over the browser's own menus.
    window.addEventListener("pointermove", (event) => event.buttons === 0 && over(), { capture: true, signal });
  }

  private release(): void {
    this.listeners?.abort();
    this.listeners = null;
    const { held } = this;
    this.held = null;
    held?.();
  }
}
