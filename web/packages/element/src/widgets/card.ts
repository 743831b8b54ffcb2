import { describeError, faceOf, isEmpty, strings, type WidgetConfig, type WidgetState } from "@emban/core";
import type { ViewContext } from "../context";
import { append, h, icon, keepFocus, replace, setAttribute, uniqueId } from "../dom";
import { CardMenu } from "../drill/menu";
import { Press } from "../press";
import type { WidgetFace } from "./face";
import { makeFace } from "./make-face";
import { skeleton } from "./skeleton";
import { TextFace } from "./text";

/** A widget's frame: title, state (loading, empty, failed, shown) and the face inside. */
export class Card {
  readonly element: HTMLElement;
  private readonly body = h("div", { class: "card-body", attrs: { part: "card-body" } });
  private readonly actions = h("div", { class: "card-actions" });
  private readonly face: WidgetFace | null;
  private readonly cover = h("div", { class: "cover" });
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private current: WidgetState = { status: "loading", result: null, error: null };
  private drawn: { readonly result: unknown; readonly context: unknown; readonly marks: string } | null = null;
  private readonly menu: CardMenu;
  private readonly press = new Press(this.body);

  constructor(readonly widget: WidgetConfig, private context: ViewContext) {
    const titleId = uniqueId("title");
    const face = faceOf(widget);
    this.face = makeFace(widget);
    this.menu = new CardMenu(widget, context);
    this.element = h(
      "section",
      { class: "card", attrs: { "data-face": face, "aria-labelledby": titleId, "data-widget": widget.id, "data-status": "loading", part: `card card-${widget.kind}` } },
      h(
        "header",
        { class: "card-head", attrs: { part: "card-header" } },
        h(
          "div",
          { class: "card-titles" },
          h("h3", { class: "card-title", attrs: { id: titleId, title: widget.title, part: "title" } }, widget.title),
          widget.description ? h("p", { class: "card-description", attrs: { part: "description", title: widget.description } }, widget.description) : null,
        ),
        this.actions,
      ),
      this.body,
    );
    this.update(this.current);
  }

  setContext(context: ViewContext): void {
    this.context = context;
    this.menu.setContext(context);
    this.update(this.current);
  }

  /** Shows which of its values the dashboard is filtered by, when that has changed. */
  mark(): void {
    if (this.drawn && this.drawn.marks !== this.marks()) this.showResult();
  }

  private marks(): string {
    const { group_by: first, group_by_2: second } = this.widget.query ?? {};
    const { dimensions } = this.context.controller.state;
    return JSON.stringify([first, second].map((name) => (name === undefined ? null : dimensions[name] ?? null)));
  }

  update(state: WidgetState): void {
    this.current = state;
    clearTimeout(this.waiting);
    if (!this.face) {
      setAttribute(this.element, "aria-busy", "false");
      this.put("unknown", message("empty", "", strings.unknownWidget));
      return;
    }
    if (this.face instanceof TextFace) {
      this.showWords(this.face);
      return;
    }
    setAttribute(this.element, "aria-busy", state.status === "loading" ? "true" : "false");
    if (state.status === "loading") {
      if (state.result === null) this.put("loading", skeleton(this.widget, this.context));
      else {
        this.showResult();
        // A quick answer needs no sign of waiting.
        this.waiting = setTimeout(() => this.element.setAttribute("data-status", "refreshing"), 180);
      }
      return;
    }
    if (state.status === "error") {
      const error = state.error;
      const words = describeError(error?.code ?? "", error?.status ?? 0, error?.message ?? "");
      this.put(
        "error",
        message("alert", words.title, words.text, [
          h("button", { class: "button", attrs: { type: "button" }, on: { click: () => this.context.controller.retry(this.widget.id) } }, strings.retry),
        ]),
      );
      return;
    }
    this.showResult();
  }

  destroy(): void {
    clearTimeout(this.waiting);
    this.press.drop();
    this.menu.destroy();
    this.face?.destroy?.();
  }

  private showResult(): void {
    const result = this.current.result;
    if (!result || !this.face) return;
    if (isEmpty(this.widget, result)) {
      this.put("empty", message("empty", strings.empty, this.widget.kind === "kpi" ? "" : strings.emptyHint));
      return;
    }
    this.element.setAttribute("data-status", "ok");
    const { face } = this;
    if (face.element.parentNode !== this.body) replace(this.body, face.element);
    if (this.actions.childElementCount === 0) append(this.actions, [face.actions, this.menu.element]);
    this.press.draw(() => {
      const marks = this.marks();
      if (this.drawn?.result === result && this.drawn.context === this.context && this.drawn.marks === marks) return;
      this.drawn = { result, context: this.context, marks };
      keepFocus(this.body, () => face.show(result, this.context));
    });
  }

  /** A text waits for no answer. */
  private showWords(face: TextFace): void {
    if (this.element.getAttribute("data-status") === "ok") return;
    setAttribute(this.element, "aria-busy", "false");
    this.element.setAttribute("data-status", "ok");
    replace(this.body, face.element);
    face.show();
  }

  private put(status: string, content: HTMLElement): void {
    this.element.setAttribute("data-status", status);
    replace(this.cover, content);
    replace(this.body, this.cover);
    replace(this.actions);
    this.press.drop();
    this.drawn = null;
  }
}

export function message(name: "alert" | "empty" | "calm", title: string, text: string, actions: readonly HTMLElement[] = []): HTMLElement {
  return h(
    "div",
    { class: `message ${name}`, attrs: { part: "message", role: name === "empty" ? null : "alert" } },
    icon(name === "calm" ? "lock" : name, 20),
    title !== "" && h("p", { class: "message-title" }, title),
    text !== "" && h("p", { class: "message-text" }, text),
    ...actions,
  );
}
