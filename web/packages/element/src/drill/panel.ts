import {
  bucketTime, describeError, drillStrings, DrillSession, formatCount, labelOf, spanText, strings, type DateRange, type DrillState, type DrillTab,
  type Picked, type QueryWidget,
} from "@emban/core";
import { dimensionLabel, type ViewContext } from "../context";
import { h, icon, keepFocus, replace, setAttribute, uniqueId } from "../dom";
import { Press } from "../press";
import { ScrollHint } from "../widgets/scroll-hint";
import { message } from "../widgets/card";
import { isFramed, visibleArea } from "./area";
import { ResultTable } from "./result-table";

/** A frame shorter than this grows while the panel is open. */
const leastHeight = 520;

/**
 * What lies behind a value: a sheet at the side of the page (the whole page where that is narrow) with the way that was taken, the next
 * level by a dimension of choice, and the events themselves. Escape, a click beside it and the button close it; the focus returns.
 */
export class DrillPanel {
  private readonly dialog: HTMLDialogElement;
  private readonly session: DrillSession;
  private readonly press: Press;
  private readonly subtitle = h("p", { class: "drill-subtitle" });
  private readonly path = h("ol", { class: "drill-path" });
  private readonly tabs = h("div", { class: "drill-tabs", attrs: { role: "tablist" } });
  private readonly choices = h("div", { class: "drill-choices" });
  private readonly body: HTMLElement;
  private readonly foot = h("div", { class: "drill-foot" });
  private readonly status = h("div", { class: "sr", attrs: { role: "status" } });
  private readonly bodyId = uniqueId("drill");
  private readonly scroll = h("div", { class: "table-scroll", attrs: { tabindex: 0, role: "region" } });
  private readonly hint = new ScrollHint(this.scroll);
  private readonly table: ResultTable;
  private opener: HTMLElement | null = null;
  private isOpen = false;
  private wait: ReturnType<typeof setTimeout> | undefined;
  private shown = "";

  constructor(widget: QueryWidget, picked: Picked, private readonly isWhole: boolean, private context: ViewContext) {
    const titleId = uniqueId("drill-title");
    this.table = new ResultTable(widget, (value) => this.session.open(value));
    this.body = h("div", { class: "drill-body", attrs: { id: this.bodyId } });
    this.dialog = h(
      "dialog",
      {
        class: "drill",
        attrs: { "aria-labelledby": titleId, part: "panel" },
        on: {
          cancel: (event) => {
            event.preventDefault();
            this.close();
          },
          keydown: (event) => this.key(event as KeyboardEvent),
          pointerdown: (event) => this.beside(event as PointerEvent),
        },
      },
      h(
        "header",
        { class: "drill-head" },
        h("div", { class: "drill-titles" }, h("h2", { class: "drill-title", attrs: { id: titleId, tabindex: -1 } }, widget.title), this.subtitle),
        h("button", { class: "icon-button", attrs: { type: "button", "aria-label": drillStrings.close, title: drillStrings.close }, on: { click: () => this.close() } }, icon("close")),
      ),
      h("nav", { attrs: { "aria-label": drillStrings.path } }, this.path),
      this.tabs,
      this.choices,
      this.body,
      this.foot,
      this.status,
    );
    this.press = new Press(this.dialog);
    this.session = new DrillSession(context.controller, context.controller.published ?? context.config, widget, picked, (state) => this.press.draw(() => this.show(state)));
  }

  open(root: HTMLElement): void {
    const active = (root.getRootNode() as Document | ShadowRoot).activeElement;
    this.opener = active instanceof HTMLElement ? active : null;
    this.isOpen = true;
    root.append(this.dialog);
    this.session.reload();
    if (!isFramed) {
      this.reveal();
      return;
    }
    this.context.reserve(leastHeight);
    void visibleArea(root).then((area) => {
      if (!this.isOpen) return;
      const whole = Math.max(document.documentElement.clientHeight, leastHeight);
      const height = Math.min(whole, Math.max(area.height, leastHeight));
      const top = Math.max(0, Math.min(area.top, whole - height));
      this.dialog.style.setProperty("--drill-top", `${top}px`);
      this.dialog.style.setProperty("--drill-height", `${height}px`);
      this.reveal();
    });
  }

  /** After the dashboard's state has changed, by the host for instance. */
  reload(): void {
    if (this.isOpen) this.session.reload();
  }

  setContext(context: ViewContext): void {
    if (!this.isOpen) return;
    this.context = context;
    this.shown = "";
    this.press.draw(() => this.show(this.session.state));
  }

  close(): void {
    if (!this.isOpen) return;
    this.destroy();
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
  }

  destroy(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearTimeout(this.wait);
    this.press.drop();
    this.session.close();
    this.hint.destroy();
    this.dialog.close();
    this.dialog.remove();
    if (isFramed) this.context.reserve(0);
  }

  private reveal(): void {
    this.dialog.showModal();
    this.dialog.querySelector<HTMLElement>(".drill-title")?.focus({ preventScroll: true });
  }

  private show(state: DrillState): void {
    const place = JSON.stringify([state.levels, state.tab, state.next]);
    if (place !== this.shown) {
      this.shown = place;
      const isKept = keepFocus(this.dialog, () => {
        this.drawPath(state);
        this.drawTabs(state);
        this.drawChoices(state);
      });
      if (!isKept) this.focusPath();
    }
    setAttribute(this.body, "aria-busy", state.status === "loading" ? "true" : null);
    clearTimeout(this.wait);
    if (state.status !== "loading") this.drawBody(state);
    else if (state.result === null) {
      // What stands there fades only when the answer takes its time.
      this.body.dataset["stale"] = "";
      this.wait = setTimeout(() => this.drawSkeleton(), this.body.childElementCount === 0 ? 0 : 220);
      this.foot.hidden = true;
    }
    const meta = state.result?.meta;
    if (meta) this.subtitle.textContent = spanText({ from: meta.from, to: meta.to }, this.context);
    else if (this.subtitle.textContent === "") this.subtitle.textContent = strings.loading;
  }

  private drawPath(state: DrillState): void {
    const steps = state.levels.map((level) => drillStrings.level(dimensionLabel(this.context, level.dimension), labelOf(level.value)));
    if (state.range) steps.unshift(this.isWhole ? drillStrings.all : bucketText(state.range, this.context));
    const offset = state.range ? 1 : 0;
    replace(
      this.path,
      ...steps.map((text, index) => {
        const isLast = index === steps.length - 1;
        const count = index + 1 - offset;
        const content =
          isLast || !this.session.canGoBack(count)
            ? h("span", { class: "drill-step", attrs: { title: text, ...(isLast && { "aria-current": "step", tabindex: -1 }) } }, text)
            : h("button", { class: "drill-step", attrs: { type: "button", title: drillStrings.backTo(text), "data-key": `step-${index}` }, on: { click: () => this.session.back(count) } }, text);
        return h("li", {}, index > 0 && icon("chevron", 12), content);
      }),
    );
  }

  private drawTabs(state: DrillState): void {
    this.tabs.hidden = state.tabs.length < 2;
    const name = { groups: drillStrings.breakdown, rows: drillStrings.rows };
    const tab = (value: DrillTab) =>
      h(
        "button",
        {
          class: "drill-tab",
          attrs: {
            type: "button", role: "tab", "aria-selected": value === state.tab ? "true" : "false", "aria-controls": this.bodyId,
            tabindex: value === state.tab ? 0 : -1, "data-key": `tab-${value}`,
          },
          on: {
            click: () => this.session.show(value),
            keydown: (event) => {
              const step = { ArrowRight: 1, ArrowLeft: -1 }[(event as KeyboardEvent).key];
              if (step === undefined) return;
              event.preventDefault();
              const other = state.tabs[(state.tabs.indexOf(value) + step + state.tabs.length) % state.tabs.length];
              if (other === undefined) return;
              this.session.show(other);
              this.tabs.querySelector<HTMLElement>(`[data-key="tab-${other}"]`)?.focus();
            },
          },
        },
        name[value],
      );
    replace(this.tabs, ...state.tabs.map(tab));
    setAttribute(this.body, "role", state.tabs.length < 2 ? null : "tabpanel");
    setAttribute(this.body, "aria-label", state.tabs.length < 2 ? null : name[state.tab]);
  }

  private drawChoices(state: DrillState): void {
    this.choices.hidden = state.tab !== "groups" || state.choices.length === 0;
    const labels = state.choices.map((name) => dimensionLabel(this.context, name));
    const isShort = labels.length <= 5 && labels.join("").length <= 48;
    if (!isShort) {
      const select: HTMLSelectElement = h(
        "select",
        { class: "field select", attrs: { "aria-label": drillStrings.by, "data-key": "by" }, on: { change: () => this.session.choose(select.value) } },
        ...state.choices.map((name, index) => h("option", { attrs: { value: name, selected: name === state.next } }, drillStrings.byDimension(labels[index] ?? name))),
      );
      replace(this.choices, h("div", { class: "select-box shown" }, select));
      return;
    }
    const step = (event: KeyboardEvent, index: number) => {
      const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const next = move === undefined ? undefined : state.choices[(index + move + state.choices.length) % state.choices.length];
      if (next === undefined) return;
      event.preventDefault();
      this.session.choose(next);
      Array.from(this.choices.querySelectorAll<HTMLElement>("[role=radio]")).find((button) => button.dataset["key"] === `by-${next}`)?.focus();
    };
    replace(
      this.choices,
      h("span", { class: "drill-by", attrs: { "aria-hidden": "true" } }, drillStrings.by),
      h(
        "div",
        { class: "drill-pills", attrs: { role: "radiogroup", "aria-label": drillStrings.by } },
        ...state.choices.map((name, index) =>
          h(
            "button",
            {
              class: "pill",
              attrs: { type: "button", role: "radio", "aria-checked": name === state.next ? "true" : "false", tabindex: name === state.next ? 0 : -1, "data-key": `by-${name}` },
              on: { click: () => this.session.choose(name), keydown: (event) => step(event as KeyboardEvent, index) },
            },
            labels[index] ?? name,
          ),
        ),
      ),
    );
  }

  private drawSkeleton(): void {
    delete this.body.dataset["stale"];
    const rows = Array.from({ length: 7 }, (_unused, index) => h("div", { class: "bone row", vars: { "--ratio": String(1 - index * 0.1) } }));
    replace(this.body, h("div", { class: "skeleton", attrs: { "aria-hidden": "true" } }, ...rows));
  }

  private drawBody(state: DrillState): void {
    delete this.body.dataset["stale"];
    const { result, error } = state;
    this.foot.hidden = true;
    if (error || !result) {
      const words = describeError(error?.code ?? "", error?.status ?? 0, error?.message ?? "");
      const again = h("button", { class: "button", attrs: { type: "button" }, on: { click: () => this.session.reload() } }, strings.retry);
      replace(this.body, message("alert", words.title, words.text, [again]));
      return;
    }
    if (result.rows.length === 0) {
      this.status.textContent = drillStrings.empty;
      replace(this.body, message("empty", drillStrings.empty, drillStrings.emptyHint));
      return;
    }
    const hadFocus = this.body.contains((this.body.getRootNode() as ShadowRoot).activeElement);
    this.scroll.setAttribute("aria-label", state.tab === "rows" ? drillStrings.rows : drillStrings.byDimension(dimensionLabel(this.context, state.next ?? "")));
    this.table.draw(this.scroll, state, this.context);
    if (this.scroll.parentNode !== this.body || this.body.childElementCount > 1) {
      replace(this.body, this.scroll);
      this.scroll.scrollTop = 0;
    }
    this.hint.update();
    if (hadFocus && !this.body.contains((this.body.getRootNode() as ShadowRoot).activeElement)) this.focusPath();
    const count = formatCount(result.rows.length, this.context.locale);
    const isPart = result.meta.truncated === true;
    const note = isPart ? (state.tab === "rows" ? drillStrings.newest(count) : drillStrings.topValues(count)) : "";
    this.status.textContent = note || strings.updated;
    replace(
      this.foot,
      note !== "" && h("span", {}, note),
      state.hasMore && h("button", { class: "text-button", attrs: { type: "button" }, on: { click: () => this.session.more() } }, drillStrings.more),
    );
    this.foot.hidden = note === "";
  }

  /** Where the focus goes when what had it is gone: to the place that was opened. */
  private focusPath(): void {
    const last = this.path.querySelector<HTMLElement>("[aria-current]") ?? this.dialog.querySelector<HTMLElement>(".drill-title");
    last?.focus({ preventScroll: true });
  }

  /** The dialog is modal by itself; this keeps Tab from leaving a frame for the page around it. */
  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      event.stopPropagation();
      return;
    }
    if (event.key !== "Tab") return;
    const stops = Array.from(this.dialog.querySelectorAll<HTMLElement>('button, select, [tabindex="0"]')).filter((stop) => stop.tabIndex >= 0 && stop.getClientRects().length > 0);
    const active = (this.dialog.getRootNode() as Document | ShadowRoot).activeElement;
    const [first, last] = [stops[0], stops[stops.length - 1]];
    if (!first || !last) return;
    const isBefore = !stops.includes(active as HTMLElement) && event.shiftKey;
    if (event.shiftKey && (active === first || isBefore)) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && active === last) {
      event.preventDefault();
      first.focus();
    }
  }

  private beside(event: PointerEvent): void {
    if (event.target !== this.dialog) return;
    const box = this.dialog.getBoundingClientRect();
    const isInside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!isInside) this.close();
  }
}

/** A bucket by the name that it has in the chart. */
function bucketText(range: DateRange, context: ViewContext): string {
  const hours = (Date.parse(range.to) - Date.parse(range.from)) / 3_600_000;
  const days = hours / 24;
  if (days > 26 && days < 32) return bucketTime(range.from, "month", context);
  return spanText(range, context);
}
