import { headingRanks, parseMarkdown, type Block, type Inline, type WidgetConfig } from "@emban/core";
import { h, replace } from "../dom";
import type { WidgetFace } from "./face";
import { ScrollHint } from "./scroll-hint";

/** Words of the author's: a safe subset of Markdown, put together from nodes, never from markup. */
export class TextFace implements WidgetFace {
  readonly element = h("div", { class: "text" });
  private readonly hint = new ScrollHint(this.element);

  constructor(private readonly widget: WidgetConfig) {}

  show(): void {
    const text = this.widget.options?.markdown;
    const blocks = parseMarkdown(typeof text === "string" ? text : "");
    const ranks = headingRanks(blocks);
    replace(this.element, ...blocks.map((block) => blockNode(block, ranks)));
    this.hint.update();
  }

  destroy(): void {
    this.hint.destroy();
  }
}

function blockNode(block: Block, ranks: ReadonlyMap<number, number>): HTMLElement {
  switch (block.type) {
    case "heading": {
      // Below the card's own title, which is the third level.
      const tag = (["h4", "h5", "h6"] as const)[Math.min(2, ranks.get(block.level) ?? 0)] ?? "h6";
      return h(tag, { class: "text-heading" }, ...block.content.map(inlineNode));
    }
    case "paragraph":
      return h("p", {}, ...block.content.map(inlineNode));
    case "code":
      return h("pre", {}, h("code", {}, block.text));
    case "quote":
      return h("blockquote", {}, ...block.blocks.map((inner) => blockNode(inner, ranks)));
    case "rule":
      return h("hr");
    case "list": {
      const items = block.items.map((blocks) => {
        const only = blocks.length === 1 ? blocks[0] : undefined;
        // An item of one line needs no paragraph around it.
        return h("li", {}, ...(only?.type === "paragraph" ? only.content.map(inlineNode) : blocks.map((inner) => blockNode(inner, ranks))));
      });
      return block.start === null ? h("ul", {}, ...items) : h("ol", { attrs: { start: block.start } }, ...items);
    }
  }
}

function inlineNode(inline: Inline): Node | string {
  switch (inline.type) {
    case "text":
      return inline.text;
    case "code":
      return h("code", {}, inline.text);
    case "break":
      return h("br");
    case "strong":
      return h("strong", {}, ...inline.content.map(inlineNode));
    case "em":
      return h("em", {}, ...inline.content.map(inlineNode));
    case "link":
      return h("a", { attrs: { href: inline.href, target: "_blank", rel: "noopener noreferrer" } }, ...inline.content.map(inlineNode));
  }
}
