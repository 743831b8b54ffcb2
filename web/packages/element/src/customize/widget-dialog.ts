import {
  customizeStrings as words, describeError, drillStrings, humanize, isAbort, ownCharts, ownMetrics, ownProperties, ownTitle, ownWidget, sampleResult, strings, validChoice,
  type OwnWidgetChoice, type Vocabulary, type WidgetConfig, type WidgetDraft,
} from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon, replace, setAttribute, uniqueId } from "../dom";
import { isFramed, visibleArea } from "../drill/area";
import type { WidgetFace } from "../widgets/face";
import { makeFace } from "../widgets/make-face";

/** Asks what a widget of the viewer's own should show, and shows what it will look like. */
export class WidgetDialog {
  private readonly dialog: HTMLDialogElement;
  private readonly form: HTMLFormElement;
  private readonly fields = h("div", { class: "own-fields" });
  private readonly preview = h("div", { class: "own-preview", attrs: { inert: true } });
  private readonly problem = h("p", { class: "problem", attrs: { role: "alert" } });
  private readonly title: HTMLInputElement;
  private readonly submit: HTMLButtonElement;
  private choice: OwnWidgetChoice = { title: "", event: "", metric: "count", property: "", group: "", chart: "stat" };
  private vocabulary: Vocabulary | null = null;
  private face: WidgetFace | null = null;
  private opener: HTMLElement | null = null;
  private isOpen = false;
  private isSending = false;

  constructor(private readonly context: ViewContext, private readonly add: (widget: WidgetDraft) => Promise<void>) {
    const titleId = uniqueId("own-title");
    const textId = uniqueId("own-text");
    this.title = h("input", { class: "input", attrs: { type: "text", maxlength: 100, autocomplete: "off" }, on: { input: () => this.change({ title: this.title.value }) } });
    this.submit = h("button", { class: "button primary", attrs: { type: "submit", part: "button" } }, words.addIt);
    this.form = h(
      "form",
      { class: "own-form", attrs: { method: "dialog", novalidate: true }, on: { submit: (event) => void this.send(event) } },
      h("div", { class: "own-columns" },
        this.fields,
        h("div", { class: "own-sample", attrs: { role: "img", "aria-label": words.previewOf } }, h("p", { class: "own-caption", attrs: { "aria-hidden": "true" } }, words.preview, h("span", {}, words.sample)), this.preview),
      ),
      this.problem,
      h("div", { class: "own-actions" }, h("button", { class: "button", attrs: { type: "button", part: "button" }, on: { click: () => this.close() } }, words.cancel), this.submit),
    );
    this.dialog = h(
      "dialog",
      {
        class: "own", attrs: { "aria-labelledby": titleId, "aria-describedby": textId, part: "dialog" },
        on: {
          cancel: (event) => {
            event.preventDefault();
            this.close();
          },
          keydown: (event) => event.stopPropagation(),
        },
      },
      h("header", { class: "drill-head" },
        h("div", { class: "drill-titles" }, h("h2", { class: "drill-title", attrs: { id: titleId, tabindex: -1 } }, words.dialogTitle), h("p", { class: "drill-subtitle", attrs: { id: textId } }, words.dialogText)),
        h("button", { class: "icon-button", attrs: { type: "button", "aria-label": drillStrings.close, title: drillStrings.close }, on: { click: () => this.close() } }, icon("close")),
      ),
      this.form,
    );
  }

  async open(root: HTMLElement): Promise<void> {
    const active = (root.getRootNode() as Document | ShadowRoot).activeElement;
    this.opener = active instanceof HTMLElement ? active : null;
    this.isOpen = true;
    root.append(this.dialog);
    if (isFramed) {
      this.context.reserve(640);
      const area = await visibleArea(root);
      if (!this.isOpen) return;
      const whole = Math.max(document.documentElement.clientHeight, 640);
      this.dialog.style.setProperty("--own-top", `${Math.max(0, Math.min(area.top, whole - 620)) + 16}px`);
    }
    this.dialog.showModal();
    this.dialog.querySelector<HTMLElement>(".drill-title")?.focus({ preventScroll: true });
    await this.load();
  }

  /** Asks what there is to choose from. */
  private async load(): Promise<void> {
    this.submit.disabled = true;
    this.problem.textContent = "";
    replace(this.fields, ...[80, 60, 70].map((width) => h("div", { class: "bone row", vars: { "--ratio": String(width / 100) } })));
    try {
      const vocabulary = await this.context.controller.vocabulary();
      if (!this.isOpen) return;
      this.vocabulary = vocabulary;
      if (vocabulary.events.length === 0 && !vocabulary.allEvents) {
        replace(this.fields, h("p", { class: "panel-note" }, words.nothing));
        return;
      }
      this.submit.disabled = false;
      this.change({});
    } catch {
      if (!this.isOpen) return;
      const again = h("button", { class: "button", attrs: { type: "button", part: "button" }, on: { click: () => void this.loadAgain() } }, strings.retry);
      replace(this.fields, again);
      this.problem.textContent = words.vocabularyFailed;
    }
  }

  /** The button goes with what it is pressed for: the focus to the first field, or to the button that takes its place. */
  private async loadAgain(): Promise<void> {
    this.dialog.querySelector<HTMLElement>(".drill-title")?.focus({ preventScroll: true });
    await this.load();
    if (this.isOpen) this.fields.querySelector<HTMLElement>("select, button")?.focus();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.face?.destroy?.();
    this.dialog.close();
    this.dialog.remove();
    if (isFramed) this.context.reserve(0);
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
  }

  private change(part: Partial<OwnWidgetChoice>): void {
    const { vocabulary } = this;
    if (!vocabulary) return;
    const before = this.choice;
    this.choice = validChoice({ ...before, ...part }, vocabulary);
    // A group wants another chart than a single number does.
    if (!("title" in part)) this.draw(vocabulary);
    this.title.placeholder = ownTitle(this.choice);
    this.show();
  }

  private draw(vocabulary: Vocabulary): void {
    const { choice } = this;
    const focused = (this.fields.getRootNode() as Document | ShadowRoot).activeElement?.getAttribute("data-key");
    const properties = ownProperties(vocabulary, choice.metric);
    const names = (list: readonly string[]) => list.map((name) => [name, name === "user_id" ? words.users : humanize(name)] as const);
    const events = [...(vocabulary.allEvents ? [["", words.allEvents] as const] : []), ...vocabulary.events.map((name) => [name, name] as const)];
    replace(
      this.fields,
      this.select("event", words.event, events, choice.event),
      h("div", { class: "own-pair" },
        this.select("metric", words.metric, ownMetrics(vocabulary).map((name) => [name, strings.metrics[name] ?? name] as const), choice.metric),
        properties.length > 0 && this.select("property", words.property, names(properties), choice.property)),
      this.select("group", words.group, [["", words.noGroup] as const, ...names(vocabulary.dimensions)], choice.group),
      this.charts(),
      labelled(words.title, this.title, this.title),
    );
    if (focused) this.fields.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  private select(name: "event" | "metric" | "property" | "group", label: string, options: readonly (readonly [string, string])[], value: string): HTMLElement {
    const field: HTMLSelectElement = h("select", { class: "field select", attrs: { "data-key": name }, on: { change: () => this.change({ [name]: field.value }) } });
    for (const [key, text] of options) field.append(h("option", { attrs: { value: key } }, text));
    field.value = value;
    return labelled(label, field, h("span", { class: "select-box shown" }, field));
  }

  private charts(): HTMLElement {
    const name = uniqueId("chart");
    return h(
      "fieldset",
      { class: "own-charts" },
      h("legend", {}, words.chart),
      h("div", { class: "drill-pills" }, ...ownCharts(this.choice.group).map((chart) => {
        const radio = h("input", { class: "sr", attrs: { type: "radio", name, value: chart, "data-key": `chart-${chart}` }, on: { change: () => this.change({ chart }) } });
        radio.checked = chart === this.choice.chart;
        return h("label", { class: "own-chart" }, radio, h("span", { class: "pill" }, words.charts[chart] ?? chart));
      })),
    );
  }

  private show(): void {
    const draft = ownWidget(this.choice);
    const widget: WidgetConfig = { id: "preview", title: draft.title, kind: draft.kind, chart: draft.chart, position: { x: 0, y: 0, ...draft.size }, ...(draft.query && { query: draft.query }) };
    this.face?.destroy?.();
    this.face = makeFace(widget);
    if (!this.face) return;
    replace(this.preview, h("div", { class: "card", attrs: { "data-face": widget.kind === "kpi" ? "stat" : "chart" } },
      h("header", { class: "card-head" }, h("div", { class: "card-titles" }, h("p", { class: "card-title" }, widget.title))), h("div", { class: "card-body" }, this.face.element)));
    this.face.show(sampleResult(draft), this.context);
  }

  private async send(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isSending) return;
    const { size, ...draft } = ownWidget(this.choice);
    const { config } = this.context;
    const below = Math.max(0, ...config.widgets.map(({ position }) => position.y + position.h));
    this.setSending(true);
    this.problem.textContent = "";
    try {
      await this.add({ ...draft, position: { x: 0, y: below, ...size } });
      this.close();
    } catch (error) {
      if (isAbort(error)) return this.close();
      const { code = "", status = 0, message = "" } = error as { code?: string; status?: number; message?: string };
      const text = code === "too_many_own_widgets" ? words.tooMany : status === 422 ? describeError(code, status, message).text : words.addFailed;
      // Closed meanwhile: then it is said where the viewer looks.
      if (this.isOpen) this.problem.textContent = text;
      else this.context.fail(text, code || "network");
    } finally {
      this.setSending(false);
    }
  }

  /** Nothing can be changed, and the focus stays where it is. */
  private setSending(isSending: boolean): void {
    this.isSending = isSending;
    setAttribute(this.form, "aria-busy", isSending ? "true" : null);
    setAttribute(this.submit, "aria-disabled", isSending ? "true" : null);
    setAttribute(this.fields, "inert", isSending);
  }
}

/** A label above `box`, which holds `field` or is it. */
function labelled(label: string, field: HTMLElement, box: HTMLElement): HTMLElement {
  if (field.id === "") field.id = uniqueId("own");
  return h("div", { class: "labelled" }, h("label", { attrs: { for: field.id } }, label), box);
}
