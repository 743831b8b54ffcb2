/**
 * A small, safe subset of Markdown as plain values: headings, paragraphs, lists, quotes, rules, code, bold, italic, links. What it does
 * not know, HTML above all, stays the text that it is; whoever shows it makes nodes and text nodes, never markup.
 */
export type Inline =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "break" }
  | { readonly type: "strong" | "em"; readonly content: readonly Inline[] }
  /** `href` begins with https:, http: or mailto:. */
  | { readonly type: "link"; readonly href: string; readonly content: readonly Inline[] };

export type Block =
  | { readonly type: "heading"; readonly level: number; readonly content: readonly Inline[] }
  | { readonly type: "paragraph"; readonly content: readonly Inline[] }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "quote"; readonly blocks: readonly Block[] }
  | { readonly type: "list"; readonly start: number | null; readonly items: readonly (readonly Block[])[] }
  | { readonly type: "rule" };

/** What is longer is cut, what is nested deeper stays text: no text may keep the page busy. */
const longest = 20_000;
const deepest = 6;
/** Emphasis and names of links are closed within so many characters. */
const widest = 2_000;

export function parseMarkdown(text: string): readonly Block[] {
  return blocksOf(text.slice(0, longest).replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0);
}

const ruleLine = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/;
const headingLine = /^ {0,3}(#{1,6})(?: +(.*?))?(?: +#+)? *$/;
const quoteLine = /^ {0,3}> ?(.*)$/;
const fenceLine = /^ {0,3}(```+|~~~+)/;
const itemLine = /^( {0,3})(?:[-*+]|(\d{1,9})[.)])( +)(.*)$/;

function blocksOf(lines: readonly string[], depth: number): readonly Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const close = () => {
    if (paragraph.length > 0) blocks.push({ type: "paragraph", content: inlinesOf(joined(paragraph), 0) });
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line.trim() === "") {
      close();
      continue;
    }
    const fence = fenceLine.exec(line)?.[1];
    if (fence !== undefined) {
      close();
      const code: string[] = [];
      for (at += 1; at < lines.length && !(lines[at] ?? "").trimStart().startsWith(fence); at += 1) code.push(lines[at] ?? "");
      blocks.push({ type: "code", text: code.join("\n") });
      continue;
    }
    const heading = headingLine.exec(line);
    if (heading) {
      close();
      blocks.push({ type: "heading", level: heading[1]?.length ?? 1, content: inlinesOf(heading[2] ?? "", 0) });
      continue;
    }
    if (ruleLine.test(line)) {
      close();
      blocks.push({ type: "rule" });
      continue;
    }
    if (depth < deepest && quoteLine.test(line)) {
      close();
      const inside: string[] = [];
      for (; at < lines.length && quoteLine.test(lines[at] ?? ""); at += 1) inside.push(quoteLine.exec(lines[at] ?? "")?.[1] ?? "");
      at -= 1;
      blocks.push({ type: "quote", blocks: blocksOf(inside, depth + 1) });
      continue;
    }
    const item = depth < deepest ? itemLine.exec(line) : null;
    // Within a paragraph only a list that begins with 1 begins a list: "in\n2024. That year …" is a sentence.
    if (item && (paragraph.length === 0 || item[2] === undefined || item[2] === "1")) {
      close();
      const list = listFrom(lines, at, depth);
      blocks.push(list.block);
      at = list.end - 1;
      continue;
    }
    paragraph.push(line);
  }
  close();
  return blocks;
}

/** The list that begins at `start`, and the first line after it. */
function listFrom(lines: readonly string[], start: number, depth: number): { readonly block: Block; readonly end: number } {
  const first = itemLine.exec(lines[start] ?? "");
  const number = first?.[2];
  const items: (readonly Block[])[] = [];
  let at = start;
  while (at < lines.length) {
    const match = itemLine.exec(lines[at] ?? "");
    if (!match || (match[2] === undefined) !== (number === undefined)) break;
    const indent = (lines[at] ?? "").length - (match[4] ?? "").length;
    const inside = [match[4] ?? ""];
    at += 1;
    for (; at < lines.length; at += 1) {
      const line = lines[at] ?? "";
      const own = line.length - line.trimStart().length;
      if (line.trim() === "") {
        const next = lines[at + 1] ?? "";
        if (next.trim() === "" || next.length - next.trimStart().length < Math.min(indent, 2)) break;
        inside.push("");
      } else if (own >= Math.min(indent, 2)) inside.push(line.slice(Math.min(own, indent)));
      else if (itemLine.test(line) || inside[inside.length - 1] === "" || headingLine.test(line) || quoteLine.test(line) || ruleLine.test(line) || fenceLine.test(line)) break;
      else inside.push(line);
    }
    items.push(blocksOf(inside, depth + 1));
    // One empty line between two items keeps them together.
    if ((lines[at] ?? "").trim() === "" && itemLine.test(lines[at + 1] ?? "")) at += 1;
  }
  return { block: { type: "list", start: number === undefined ? null : Number(number), items }, end: at };
}

/** Lines of one paragraph: two spaces or a backslash at the end break it, other ends are spaces. */
function joined(lines: readonly string[]): string {
  return lines.map((line, index) => (index === lines.length - 1 ? line.trim() : /( {2,}|\\)$/.test(line) ? `${line.trim().replace(/\\$/, "")}\n` : `${line.trim()} `)).join("");
}

function inlinesOf(text: string, depth: number): readonly Inline[] {
  const found: Inline[] = [];
  let plain = "";
  const close = () => {
    if (plain !== "") found.push({ type: "text", text: plain });
    plain = "";
  };
  const put = (inline: Inline) => {
    close();
    found.push(inline);
  };
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? "";
    const rest = (length: number) => text.slice(at, at + length);
    if (character === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1] ?? "";
      at += 2;
      continue;
    }
    if (character === "\n") {
      put({ type: "break" });
      at += 1;
      continue;
    }
    if (character === "`") {
      const ticks = /^`+/.exec(text.slice(at, at + 16))?.[0] ?? "`";
      const end = text.indexOf(ticks, at + ticks.length);
      if (end > 0) {
        put({ type: "code", text: text.slice(at + ticks.length, end).replace(/^ (.*) $/, "$1") });
        at = end + ticks.length;
      } else {
        plain += ticks;
        at += ticks.length;
      }
      continue;
    }
    if (depth < deepest && (character === "[" || rest(2) === "![")) {
      const link = linkAt(text, at + (character === "!" ? 1 : 0));
      if (link) {
        // A picture would be fetched from a third party: its description stands for it.
        const content = inlinesOf(link.label, depth + 1);
        if (character === "[" && link.href !== null) put({ type: "link", href: link.href, content });
        else {
          close();
          found.push(...content);
        }
        at = link.end;
        continue;
      }
    }
    if (character === "<") {
      const address = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/i.exec(rest(2048))?.[1];
      const href = address === undefined ? null : safeLink(address);
      if (address !== undefined && href !== null) {
        put({ type: "link", href, content: [{ type: "text", text: address.replace(/^mailto:/i, "") }] });
        at += address.length + 2;
        continue;
      }
    }
    if (depth < deepest && (character === "*" || character === "_")) {
      const mark = rest(2) === character + character ? character + character : character;
      const end = closing(text, at, mark);
      if (end > 0) {
        put({ type: mark.length === 2 ? "strong" : "em", content: inlinesOf(text.slice(at + mark.length, end), depth + 1) });
        at = end + mark.length;
      } else {
        plain += mark;
        at += mark.length;
      }
      continue;
    }
    plain += character;
    at += 1;
  }
  close();
  return found;
}

/** Where the emphasis that `mark` opens at `at` ends; -1 when it opens none, as between spaces or within_a_word. */
function closing(text: string, at: number, mark: string): number {
  const word = /[\p{L}\p{N}]/u;
  const inner = text[at + mark.length] ?? " ";
  if (/\s/.test(inner) || (mark.startsWith("_") && word.test(text[at - 1] ?? ""))) return -1;
  for (let end = text.indexOf(mark, at + mark.length); end > 0; end = text.indexOf(mark, end + 1)) {
    const before = text[end - 1] ?? " ";
    const after = text[end + mark.length] ?? " ";
    if (end - at > widest) return -1;
    if (end === at + mark.length || /[\s\\]/.test(before)) continue;
    // A single mark does not close at one half of a double one.
    if (mark.length === 1 && (after === mark || before === mark)) {
      if (after === mark) end += 1;
      continue;
    }
    if (mark.startsWith("_") && word.test(after)) continue;
    return end;
  }
  return -1;
}

/** `[label](address "title")` at `at`; `href` is null for an address that is not to be opened. */
function linkAt(text: string, at: number): { readonly label: string; readonly href: string | null; readonly end: number } | null {
  const end = text.indexOf("](", at);
  if (end < 0 || end - at > widest) return null;
  let open = 1;
  for (let index = at + 1; index < end; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === "[") open += 1;
    else if (text[index] === "]") open -= 1;
    if (open === 0) return null;
  }
  const target = /^\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"\n]*")?\s*\)/.exec(text.slice(end, end + 2048));
  return target ? { label: text.slice(at + 1, end), href: safeLink(target[1] ?? ""), end: end + (target[0] ?? "").length } : null;
}

/** Only addresses of the web and of mail are links. */
export function safeLink(address: string): string | null {
  return /^(https?:\/\/[^\s\u0000-\u001f\u007f]+|mailto:[^\s\u0000-\u001f\u007f]+)$/i.test(address) ? address : null;
}

/** Ranks from 0 without gaps for the levels of headings that a text uses, so that none is left out where it is put. */
export function headingRanks(blocks: readonly Block[]): ReadonlyMap<number, number> {
  const levels = new Set<number>();
  const visit = (block: Block): void => {
    if (block.type === "heading") levels.add(block.level);
    else if (block.type === "quote") block.blocks.forEach(visit);
    else if (block.type === "list") for (const item of block.items) item.forEach(visit);
  };
  blocks.forEach(visit);
  return new Map([...levels].sort((a, b) => a - b).map((level, rank) => [level, rank]));
}
