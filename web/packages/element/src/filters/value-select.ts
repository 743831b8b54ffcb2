import { formatCount, isAbort, labelOf, strings, type FilterConfig, type FilterValue, type ViewState } from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon, replace, setAttribute, uniqueId } from "../dom";
import { Press } from "../press";
import { labelOfFilter, type FilterControl } from "./control";
import { Popover } from "./popover";

const searchDelay = 180;

/** One or several values of a dimension, from a list that the server searches. The combobox pattern of ARIA: focus stays in the search field. */
export class ValueSelect implements FilterControl {
  readonly element: HTMLElement;
  private readonly popover: Popover;
  private readonly press: Press;
  private readonly dimension: string;
  private readonly label: string;
  private readonly multiple: boolean;
  private readonly search: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly note = h("p", { class: "panel-note", attrs: { role: "status" } });
  private readonly listId = uniqueId("list");
  private values: readonly FilterValue[] = [];
  private active = -1;
  private selected: readonly string[] = [];
  /** Selected when the panel opened: these stand on top while it is open, so that the rows do not move under the pointer. */
  private pinned: readonly string[] = [];
  private request: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(filter: FilterConfig, private readonly context: ViewContext) {
    this.dimension = filter.dimension ?? "";
    this.label = labelOfFilter(filter);
    this.multiple = filter.type === "multi_select";
    this.search = h("input", {
      class: "panel-search",
      attrs: {
        type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": this.listId, "aria-autocomplete": "list", autocomplete: "off",
        spellcheck: "false", placeholder: strings.search, "aria-label": strings.searchIn(this.label),
      },
      on: {
        input: () => {
          clearTimeout(this.timer);
          this.timer = setTimeout(() => void this.load(), searchDelay);
        },
        keydown: (event) => this.key(event as KeyboardEvent),
      },
    });
    this.list = h("div", { class: "options", attrs: { role: "listbox", id: this.listId, "aria-label": this.label, "aria-multiselectable": this.multiple ? "true" : null } });
    this.press = new Press(this.list);
    this.popover = new Popover({
      label: this.label,
      content: "list",
      reserve: (bottom) => context.reserve(bottom),
      open: (panel) => this.opened(panel),
      closed: () => {
        this.request?.abort();
        clearTimeout(this.timer);
      },
    });
    this.element = this.popover.element;
    this.element.dataset["filter"] = filter.id;
  }

  update(state: ViewState): void {
    this.selected = state.dimensions[this.dimension] ?? [];
    const first = this.selected[0];
    this.popover.setText(this.label, first === undefined ? null : this.selected.length === 1 ? labelOf(first) : strings.selected(this.selected.length));
    this.draw();
  }

  destroy(): void {
    this.request?.abort();
    clearTimeout(this.timer);
    this.press.drop();
    this.popover.destroy();
  }

  private opened(panel: HTMLElement): HTMLElement {
    this.search.value = "";
    this.active = -1;
    this.pinned = this.selected;
    const clear = h("button", { class: "text-button", attrs: { type: "button" }, on: { click: () => this.set([]) } }, strings.clear);
    replace(panel, h("div", { class: "panel-head" }, icon("search"), this.search, clear), this.list, this.note);
    void this.load();
    return this.search;
  }

  private async load(): Promise<void> {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    if (this.values.length === 0) this.note.textContent = strings.loadingValues;
    try {
      const answer = await this.context.controller.filterValues(this.dimension, this.search.value.trim(), request.signal);
      if (request.signal.aborted) return;
      this.values = answer.values;
      this.active = this.search.value === "" ? -1 : 0;
      this.note.textContent = answer.values.length === 0 ? strings.noMatches : answer.truncated ? strings.moreValues : "";
    } catch (error) {
      if (isAbort(error) || request.signal.aborted) return;
      this.values = [];
      this.note.textContent = strings.valuesFailed;
    }
    this.draw();
  }

  private rows(): readonly FilterValue[] {
    if (this.search.value.trim() !== "") return this.values;
    const counts = new Map(this.values.map((value) => [value.value, value]));
    const top = this.pinned.map((value) => counts.get(value) ?? { value });
    return [...top, ...this.values.filter((value) => !this.pinned.includes(value.value))];
  }

  private draw(): void {
    this.press.draw(() => this.drawRows());
  }

  private drawRows(): void {
    const rows = this.rows();
    replace(
      this.list,
      ...rows.map((row, index) => {
        const on = this.selected.includes(row.value);
        return h(
          "div",
          {
            class: `option${index === this.active ? " active" : ""}`,
            attrs: { role: "option", id: `${this.listId}-${index}`, "aria-selected": on ? "true" : "false" },
            on: {
              // The search field keeps the focus.
              pointerdown: (event) => event.preventDefault(),
              click: () => this.toggle(row.value),
            },
          },
          h("span", { class: this.multiple ? "box" : "dot" }, on ? icon("check", 12) : null),
          h("span", { class: "option-text", attrs: { title: labelOf(row.value) } }, labelOf(row.value)),
          row.count !== undefined && h("span", { class: "option-count" }, formatCount(row.count, this.context.locale)),
        );
      }),
    );
    this.point();
  }

  private point(): void {
    const options = Array.from(this.list.children);
    options.forEach((option, index) => option.classList.toggle("active", index === this.active));
    const active = options[this.active];
    setAttribute(this.search, "aria-activedescendant", active?.id);
    active?.scrollIntoView({ block: "nearest" });
  }

  private toggle(value: string): void {
    if (this.multiple) {
      this.context.controller.dispatch({ type: "toggle", dimension: this.dimension, value, multiple: true });
    } else {
      this.set(this.selected.includes(value) ? [] : [value]);
      this.popover.close();
    }
  }

  private set(values: readonly string[]): void {
    this.context.controller.dispatch({ type: "dimension", dimension: this.dimension, values });
  }

  private key(event: KeyboardEvent): void {
    const count = this.rows().length;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && count > 0) {
      event.preventDefault();
      this.active = this.active < 0 ? (step > 0 ? 0 : count - 1) : (this.active + step + count) % count;
      this.point();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const row = this.rows()[this.active];
      if (row) this.toggle(row.value);
    }
  }
}
