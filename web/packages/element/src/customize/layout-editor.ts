import { arrange, customizeStrings as words, fit, type Placement, type Positions, type WidgetConfig } from "@emban/core";
import { h, icon, setAttribute, uniqueId } from "../dom";

export interface LayoutEditorOptions {
  readonly grid: HTMLElement;
  /** The cards, by widget. */
  readonly cards: ReadonlyMap<string, HTMLElement>;
  readonly widgets: readonly WidgetConfig[];
  /** Where everything stands now: nothing moves when editing begins. */
  readonly placements: readonly Placement[];
  readonly isCustomized: boolean;
  readonly reducedMotion: boolean;
  readonly say: (text: string) => void;
  readonly save: (positions: Positions) => Promise<void>;
  readonly reset: () => Promise<void>;
  readonly cancel: () => void;
  readonly changed: () => void;
}

/** What can be used in a card. */
function partsOf(card: HTMLElement): NodeListOf<HTMLElement> {
  return card.querySelectorAll<HTMLElement>(":scope > .card-body, :scope > .card-head > .card-actions");
}

interface Drag {
  readonly id: string;
  readonly pointer: number;
  readonly isResize: boolean;
  readonly from: Positions;
  readonly x: number;
  readonly y: number;
}

/** Moves and resizes cards on the grid, by pointer or keyboard, until it is saved or given up. */
export class LayoutEditor {
  readonly bar: HTMLElement;
  private positions: Positions;
  private readonly covers = new Map<string, HTMLElement>();
  private readonly buttons: readonly HTMLButtonElement[];
  private readonly ghost = h("div", { class: "edit-ghost", attrs: { "aria-hidden": "true" } });
  private drag: Drag | null = null;
  private isSaving = false;

  constructor(private readonly options: LayoutEditorOptions) {
    const helpId = uniqueId("edit-help");
    this.positions = Object.fromEntries(
      options.placements.map(({ id, column, row, columns, rows }) => [id, { x: column - 1, y: row - 1, w: columns, h: rows }]),
    );
    const button = (label: string, look: string, run: (event: Event) => void) =>
      h("button", { class: `button ${look}`, attrs: { type: "button", part: "button" }, on: { click: (event) => this.isSaving || run(event) } }, label);
    this.buttons = [
      ...(options.isCustomized ? [button(words.reset, "quiet", (event) => void this.finish(event, options.reset))] : []),
      button(words.cancel, "", () => options.cancel()),
      button(words.save, "primary", (event) => void this.finish(event, () => options.save(this.positions))),
    ];
    this.bar = h(
      "div",
      { class: "edit-bar", attrs: { role: "group", "aria-label": words.editing, part: "edit-bar" }, on: { keydown: (event) => this.escape(event as KeyboardEvent) } },
      h("div", { class: "edit-words" }, h("strong", {}, words.editing), h("span", { attrs: { id: helpId } }, words.help)),
      h("div", { class: "edit-actions" }, ...this.buttons),
    );
    for (const widget of options.widgets) {
      const card = options.cards.get(widget.id);
      if (!card) continue;
      const cover = this.cover(widget, helpId);
      this.covers.set(widget.id, cover);
      card.append(cover);
      // The title stays: the card is named by it.
      for (const part of partsOf(card)) part.setAttribute("inert", "");
    }
    options.grid.classList.add("editing");
    this.apply();
  }

  /** The first card's handle takes the focus. */
  focus(): void {
    [...this.covers.values()][0]?.querySelector<HTMLElement>(".edit-grip")?.focus({ preventScroll: true });
  }

  destroy(): void {
    for (const [id, cover] of this.covers) {
      cover.remove();
      const card = this.options.cards.get(id);
      card?.style.removeProperty("transform");
      card?.classList.remove("dragged");
      if (card) for (const part of partsOf(card)) part.removeAttribute("inert");
    }
    this.ghost.remove();
    this.options.grid.classList.remove("editing");
  }

  /** Until it is decided nothing can be changed. The focus stays where it is: a button that is disabled would lose it. */
  private async finish(event: Event, work: () => Promise<void>): Promise<void> {
    const button = event.currentTarget;
    this.letGo(false);
    this.setSaving(true);
    try {
      await work();
    } finally {
      this.setSaving(false);
      // Not every browser gives the focus to what is clicked.
      if (this.bar.isConnected && button instanceof HTMLElement) button.focus({ preventScroll: true });
    }
  }

  private setSaving(isSaving: boolean): void {
    this.isSaving = isSaving;
    setAttribute(this.bar, "aria-busy", isSaving ? "true" : null);
    for (const button of this.buttons) setAttribute(button, "aria-disabled", isSaving ? "true" : null);
    for (const cover of this.covers.values()) setAttribute(cover, "inert", isSaving);
  }

  /** Gives up a move that is under way, else editing. */
  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (this.drag) this.letGo(false);
    else if (!this.isSaving) this.options.cancel();
  }

  private cover(widget: WidgetConfig, helpId: string): HTMLElement {
    const label = words.handle(widget.title);
    return h(
      "div",
      {
        class: "edit-cover",
        on: {
          pointerdown: (event) => this.start(event as PointerEvent, widget.id),
          pointermove: (event) => this.move(event as PointerEvent),
          pointerup: (event) => this.end(event as PointerEvent, true),
          pointercancel: (event) => this.end(event as PointerEvent, false),
        },
      },
      h(
        "button",
        { class: "edit-grip", attrs: { type: "button", "aria-label": label, title: label, "aria-describedby": helpId, "data-key": `grip-${widget.id}` }, on: { keydown: (event) => this.key(event as KeyboardEvent, widget) } },
        icon("grip"),
      ),
      h("span", { class: "edit-corner", attrs: { "aria-hidden": "true" } }),
    );
  }

  private key(event: KeyboardEvent, widget: WidgetConfig): void {
    const now = this.positions[widget.id];
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (event.key === "Escape") {
      this.escape(event);
      return;
    }
    if (!now || dx === undefined || dy === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const mirrored = getComputedStyle(this.options.grid).direction === "rtl" ? -dx : dx;
    if (event.shiftKey) this.put(widget.id, { ...now, w: Math.min(12 - now.x, now.w + mirrored), h: now.h + dy });
    else this.put(widget.id, this.step(widget.id, mirrored, dy));
    const { x, y, w, h: rows } = this.positions[widget.id] ?? now;
    this.options.say(words.place(widget.title, x + 1, y + 1, w, rows));
  }

  /** One step further; downwards, where gravity would bring it back, below its next neighbour. */
  private step(id: string, dx: number, dy: number): Positions[string] {
    const now = this.positions[id] ?? { x: 0, y: 0, w: 1, h: 1 };
    const across = (other: Positions[string]) => other.x < now.x + now.w && now.x < other.x + other.w;
    const neighbours = Object.entries(this.positions).filter(([other, box]) => other !== id && across(box)).map(([, box]) => box);
    if (dy > 0) {
      const below = neighbours.filter((box) => box.y >= now.y + now.h).sort((one, other) => one.y - other.y)[0];
      // Half a row behind the neighbour: it comes first, and moves up.
      return below ? { ...now, y: below.y + 1 } : now;
    }
    if (dy < 0) {
      const above = neighbours.filter((box) => box.y + box.h <= now.y).sort((one, other) => other.y - one.y)[0];
      return { ...now, y: above ? above.y : Math.max(0, now.y - 1) };
    }
    return { ...now, x: now.x + dx };
  }

  private start(event: PointerEvent, id: string): void {
    const path = event.composedPath();
    const target = path[0] instanceof Element ? path[0] : null;
    if (event.button !== 0 || this.drag || this.isSaving) return;
    const isResize = target?.closest(".edit-corner") !== null && target !== null;
    // A finger on the card itself scrolls the page.
    if (event.pointerType === "touch" && !isResize && !target?.closest(".edit-grip")) return;
    this.drag = { id, pointer: event.pointerId, isResize, from: this.positions, x: event.clientX, y: event.clientY };
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    this.options.cards.get(id)?.classList.add("dragged");
    this.options.grid.append(this.ghost);
    this.apply();
    this.covers.get(id)?.querySelector<HTMLElement>(".edit-grip")?.focus({ preventScroll: true });
    event.preventDefault();
  }

  private move(event: PointerEvent): void {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    const before = drag.from[drag.id];
    if (!before) return;
    const { column, row, sign } = this.steps();
    const dx = (event.clientX - drag.x) * sign;
    const dy = event.clientY - drag.y;
    const [columns, rows] = [Math.round(dx / column), Math.round(dy / row)];
    const wanted = fit(
      drag.isResize ? { ...before, w: Math.min(12 - before.x, before.w + columns), h: before.h + rows } : { ...before, x: before.x + columns, y: before.y + rows },
    );
    // From the places at the beginning: what made way comes back when the card moves on.
    this.put(drag.id, wanted, drag.from);
    const now = this.positions[drag.id] ?? wanted;
    const card = this.options.cards.get(drag.id);
    if (drag.isResize) card?.style.removeProperty("transform");
    else if (card) card.style.transform = `translate(${(dx - (now.x - before.x) * column) * sign}px, ${dy - (now.y - before.y) * row}px)`;
  }

  private end(event: PointerEvent, isKept: boolean): void {
    if (event.pointerId === this.drag?.pointer) this.letGo(isKept);
  }

  private letGo(isKept: boolean): void {
    const { drag } = this;
    if (!drag) return;
    this.drag = null;
    const card = this.options.cards.get(drag.id);
    card?.classList.remove("dragged");
    card?.style.removeProperty("transform");
    this.ghost.remove();
    if (!isKept) this.positions = drag.from;
    this.apply();
    const widget = this.options.widgets.find(({ id }) => id === drag.id);
    const now = this.positions[drag.id];
    if (widget && now) this.options.say(words.place(widget.title, now.x + 1, now.y + 1, now.w, now.h));
  }

  private put(id: string, box: Positions[string], from = this.positions): void {
    const next = arrange(from, id, box);
    if (JSON.stringify(next) === JSON.stringify(this.positions)) return;
    this.positions = next;
    this.apply();
  }

  /** Pixels from one cell to the next; `sign` is -1 where columns count from the right. */
  private steps(): { readonly column: number; readonly row: number; readonly sign: number } {
    const { grid } = this.options;
    const style = getComputedStyle(grid);
    const gap = parseFloat(style.rowGap) || 0;
    const height = parseFloat(style.gridAutoRows) || 80;
    return { column: (grid.clientWidth + gap) / 12, row: height + gap, sign: style.direction === "rtl" ? -1 : 1 };
  }

  /** Everything to its place; what is not in the hand glides there. */
  private apply(): void {
    const held = this.drag?.id;
    const moving = [...this.options.cards].filter(([id]) => id !== held);
    const before = new Map(moving.map(([id, card]) => [id, card.getBoundingClientRect()]));
    for (const [id, { x, y, w, h: rows }] of Object.entries(this.positions)) {
      const card = this.options.cards.get(id);
      if (!card) continue;
      card.style.gridColumn = `${x + 1} / span ${w}`;
      card.style.gridRow = `${y + 1} / span ${rows}`;
      card.dataset["rows"] = String(rows);
      if (id !== held) continue;
      this.ghost.style.gridColumn = card.style.gridColumn;
      this.ghost.style.gridRow = card.style.gridRow;
    }
    setAttribute(this.options.grid, "data-dragging", held !== undefined);
    if (!this.options.reducedMotion) {
      for (const [id, card] of moving) {
        const from = before.get(id);
        const to = card.getBoundingClientRect();
        if (!from || (from.left === to.left && from.top === to.top)) continue;
        card.animate([{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }], { duration: 160, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" });
      }
    }
    this.options.changed();
  }
}
