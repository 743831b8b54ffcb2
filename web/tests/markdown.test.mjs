import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const core = await load("core");
const parse = core.parseMarkdown;
/** Blocks and inlines as short text: what the reader sees. */
const show = (part) => {
  if (Array.isArray(part)) return part.map(show).join("");
  switch (part.type) {
    case "heading": return `<h${part.level}>${show(part.content)}</h>`;
    case "paragraph": return `<p>${show(part.content)}</p>`;
    case "list": return `<${part.start === null ? "ul" : `ol ${part.start}`}>${part.items.map((item) => `<li>${show(item)}</li>`).join("")}</l>`;
    case "quote": return `<q>${show(part.blocks)}</q>`;
    case "rule": return "<hr>";
    case "code": return `<code>${part.text}</code>`;
    case "strong": return `<b>${show(part.content)}</b>`;
    case "em": return `<i>${show(part.content)}</i>`;
    case "link": return `<a ${part.href}>${show(part.content)}</a>`;
    case "break": return "<br>";
    default: return part.text;
  }
};
const html = (text) => show(parse(text));

test("headings, paragraphs, rules, quotes, code", () => {
  assert.equal(html("# A\n\nb\nc\n\n---\n> d\n> e\n\n```js\nf < g\n```\nh  \ni"), "<h1>A</h><p>b c</p><hr><q><p>d e</p></q><code>f < g</code><p>h<br>i</p>");
  assert.equal(html("#no heading\n#\n## two ##"), "<p>#no heading</p><h1></h><h2>two</h>");
});

test("lists: nested, ordered with their start, not out of a year in a sentence", () => {
  assert.equal(html("- a\n- b\n  1. c\n  2. d\n- e"), "<ul><li><p>a</p></li><li><p>b</p><ol 1><li><p>c</p></li><li><p>d</p></li></l></li><li><p>e</p></li></l>");
  assert.equal(html("3. a\n4. b\n\ntext"), "<ol 3><li><p>a</p></li><li><p>b</p></li></l><p>text</p>");
  assert.equal(html("It was\n2024. A year"), "<p>It was 2024. A year</p>");
  assert.equal(html("* a\n\n* b"), "<ul><li><p>a</p></li><li><p>b</p></li></l>");
});

test("bold, italic, code and links, also within each other; stars and underscores of other meaning stay", () => {
  assert.equal(html("**a *b* c** and _d_ and `*e*`"), "<p><b>a <i>b</i> c</b> and <i>d</i> and <code>*e*</code></p>");
  assert.equal(html("2 * 3 * 4, snake_case_name, 5*, \\*f\\*, **g"), "<p>2 * 3 * 4, snake_case_name, 5*, *f*, **g</p>");
  assert.equal(html("[a **b**](https://x.example/y_(z) \"title\") <mailto:a@b.example>"), "<p><a https://x.example/y_(z)>a <b>b</b></a> <a mailto:a@b.example>a@b.example</a></p>");
});

test("no markup, no script, no picture, no address but of web and mail", () => {
  assert.equal(html("<script>alert(1)</script> <b onclick=x>y</b>"), "<p><script>alert(1)</script> <b onclick=x>y</b></p>");
  const types = JSON.stringify(parse("<script>alert(1)</script>"));
  assert.ok(!types.includes('"link"') && types.includes('"text"'), "it is one text");
  assert.equal(html("![alt](https://evil.example/x.png)"), "<p>alt</p>");
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", "/relative", "file:///etc/passwd", "java\u0000script:x", "&#106;avascript:x", "https:"]) {
    assert.ok(!JSON.stringify(parse(`[a](${address}) <${address}>`)).includes('"link"'), address);
  }
  for (const address of ["https://a.example", "http://a.example/?b=c#d", "mailto:a@b.example"]) assert.equal(core.safeLink(address), address);
});

test("headings used are ranked without gaps", () => {
  assert.deepEqual([...core.headingRanks(parse("## a\n#### b\n> ###### c"))], [[2, 0], [4, 1], [6, 2]]);
});

test("no text keeps the page busy", () => {
  const begin = performance.now();
  for (const part of ["*", "**", "_a ", "*a ", "[", "[a](", "`", "> ", "- ", "  - a\n", "![", "<http://", "a*b_", "1. ", "\\", "~~~\n", "[a](b", "(("]) parse(part.repeat(50_000));
  parse(Array.from({ length: 4000 }, (_unused, index) => `${" ".repeat(index % 40)}- a`).join("\n"));
  assert.ok(performance.now() - begin < 6000, `${performance.now() - begin} ms`);
});
