import { customizeStrings as words, isAbort, layout, type DashboardController, type GridSize, type WidgetConfig } from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon } from "../dom";
import { LayoutEditor } from "./layout-editor";
import { WidgetDialog } from "./widget-dialog";

export interface CustomizerOptions {
  readonly root: HTMLElement;
  readonly grid: HTMLElement;
  readonly controller: DashboardController;
  readonly cards: () => ReadonlyMap<string, HTMLElement>;
  /** Tells those who do not see it. */
  readonly say: (text: string) => void;
  readonly fail: (text: string, code: string) => void;
  /** Takes back what `fail` said. */
  readonly calm: () => void;
  /** Everything to its place again, in the size that the page has now. */
  readonly place: () => void;
  readonly measure: () => void;
}

/** What sessions permit that let viewers arrange the dashboard, or add to it. Nothing at all for others. */
export class Customizer {
  /** Stands in the dashboard's header. */
  readonly tools = h("div", { class: "tools", attrs: { role: "group", "aria-label": words.tools, part: "tools" } });
  /** Stands above the grid while it is edited. */
  readonly place = h("div", { class: "edit-place" });
  private readonly editButton = this.button(words.edit, "layout", () => this.edit());
  private readonly addButton = this.button(words.add, "plus", () => this.add());
  private context: ViewContext | null = null;
  private size: GridSize = "wide";
  private editor: LayoutEditor | null = null;
  private dialog: WidgetDialog | null = null;

  constructor(private readonly options: CustomizerOptions) {}

  get isEditing(): boolean {
    return this.editor !== null;
  }

  update(context: ViewContext): void {
    this.context = context;
    this.setSize(context.size);
  }

  /** On narrow pages the cards stand in the order of the wide one: there is nothing to arrange. */
  setSize(size: GridSize): void {
    this.size = size;
    const permissions = this.context?.config.permissions;
    const isShown = (button: HTMLElement, isAllowed: boolean) => (isAllowed ? this.tools.append(button) : button.remove());
    isShown(this.addButton, permissions?.allow_manage_widgets === true);
    isShown(this.editButton, permissions?.allow_customize_layout === true && this.size === "wide" && (this.context?.config.widgets.length ?? 0) > 0);
    this.tools.hidden = this.tools.childElementCount === 0;
  }

  async remove(widget: WidgetConfig): Promise<void> {
    this.stop();
    try {
      await this.options.controller.removeWidget(widget.id);
      this.options.say(words.removed(widget.title));
      this.addButton.focus({ preventScroll: true });
    } catch (error) {
      this.fail(words.removeFailed, error);
    }
  }

  /** Another viewer may come: nothing of this one's dashboard is kept. */
  forget(): void {
    this.stop();
    this.context = null;
    this.tools.replaceChildren();
    this.tools.hidden = true;
  }

  /** Ends what is going on, without keeping it. */
  stop(): void {
    this.dialog?.close();
    this.dialog = null;
    if (!this.editor) return;
    this.editor.destroy();
    this.editor = null;
    this.place.replaceChildren();
    this.tools.removeAttribute("inert");
  }

  private edit(): void {
    const { context, options } = this;
    if (!context || this.editor) return;
    const config = options.controller.config ?? context.config;
    const run = async (work: () => Promise<void>, done: string) => {
      options.calm();
      try {
        await work();
        // Meanwhile another session may have ended it.
        if (this.editor !== editor) return;
        this.end();
        options.say(done);
      } catch (error) {
        if (this.editor === editor) this.fail(words.saveFailed, error);
      }
    };
    const editor: LayoutEditor = new LayoutEditor({
      grid: options.grid, cards: options.cards(), widgets: config.widgets, placements: layout(config.widgets, "wide", config.customized === true),
      isCustomized: config.customized === true, reducedMotion: context.reducedMotion, say: options.say, changed: options.measure,
      cancel: () => this.end(),
      save: (positions) => run(() => options.controller.saveLayout(positions), words.saved),
      reset: () => run(() => options.controller.resetLayout(), words.resetDone),
    });
    this.editor = editor;
    this.tools.setAttribute("inert", "");
    this.place.replaceChildren(editor.bar);
    options.measure();
    editor.focus();
  }

  /** What was called off, as when somebody else has signed in meanwhile, is no failure. */
  private fail(text: string, error: unknown): void {
    if (!isAbort(error)) this.options.fail(text, codeOf(error));
  }

  private end(): void {
    this.options.calm();
    this.stop();
    this.options.place();
    this.editButton.focus({ preventScroll: true });
  }

  private add(): void {
    const { context, options } = this;
    if (!context) return;
    this.stop();
    this.dialog = new WidgetDialog(context, async (draft) => {
      const added = await options.controller.addWidget(draft);
      options.say(words.added(added.title));
      requestAnimationFrame(() => options.cards().get(added.id)?.scrollIntoView({ block: "nearest", behavior: context.reducedMotion ? "auto" : "smooth" }));
    });
    void this.dialog.open(options.root);
  }

  private button(label: string, name: "layout" | "plus", run: () => void): HTMLButtonElement {
    return h("button", { class: "field", attrs: { type: "button", part: "button", "data-key": name }, on: { click: run } }, icon(name), h("span", { class: "field-text" }, label));
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? "network";
}
