/**
 * Holds drawing back while the pointer is down on an element. Browsers tell of a click only when what was pressed is still there at the
 * release: an answer that is drawn in between would swallow it.
 */
export class Press {
  private isDown = false;
  private held: (() => void) | null = null;
  private listeners: AbortController | null = null;

  constructor(element: HTMLElement) {
    element.addEventListener("pointerdown", () => this.start(), true);
  }

  /** Draws now, or at the release; the last drawing counts. */
  draw(action: () => void): void {
    if (this.isDown) this.held = action;
    else action();
  }

  /** What is held back is overtaken. */
  drop(): void {
    this.held = null;
  }

  private start(): void {
    this.isDown = true;
    this.listeners?.abort();
    this.listeners = new AbortController();
    const options = { capture: true, signal: this.listeners.signal };
    // The click follows the release in the same task.
    const end = () => setTimeout(() => this.release());
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, end, options);
    // Released where nobody told us, as over the browser's own menus.
    window.addEventListener("pointermove", (event) => event.buttons === 0 && this.release(), options);
  }

  private release(): void {
    this.isDown = false;
    this.listeners?.abort();
    this.listeners = null;
    const { held } = this;
    this.held = null;
    held?.();
  }
}
