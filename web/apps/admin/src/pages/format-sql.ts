const clauses = ["select", "from", "prewhere", "where", "group by", "having", "order by", "limit", "union all", "union distinct", "join", "with", "settings"];
const joins = new Set("left right inner full cross any all asof semi anti outer global array paste".split(" "));
const keywords = new Set(
  "select from where group by having order limit union all distinct as and or not in is null like ilike between case when then else end asc desc join left right inner full cross on using with prewhere over partition interval settings offset any asof semi anti outer global array paste except intersect".split(" "),
);

interface Token {
  readonly text: string;
  readonly kind: "word" | "number" | "quoted" | "operator" | "comment" | "other";
}

const pattern = new RegExp(
  [
    String.raw`(?<quoted>'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|\x60(?:[^\x60\\]|\\[\s\S]|\x60\x60)*\x60|\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$)`,
    String.raw`(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<number>0[xX][\da-fA-F]+|0[bB][01]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<operator>->|<=>|>=|<=|<>|!=|==|\|\||::|[-+*\/%<>=?:])`,
    String.raw`(?<other>\S)`,
  ].join("|"),
  "gu",
);

/** Texts, comments and numbers are single tokens, so that nothing inside them is touched. */
export function sqlTokens(sql: string): readonly Token[] {
  return [...sql.matchAll(pattern)].map(({ 0: text = "", groups = {} }) => ({
    text, kind: (["quoted", "comment", "number", "word", "operator"] as const).find((kind) => groups[kind] !== undefined) ?? "other",
  }));
}

/** Whether the word at `index` is one of the language there, and not the name of a column or a function. `isIn` is: inside of CASE. */
function isKeyword(parts: readonly Token[], index: number, isIn: boolean): boolean {
  const word = parts[index]?.text.toLowerCase() ?? "";
  if (parts[index]?.kind !== "word" || !keywords.has(word)) return false;
  const before = parts[index - 1];
  const next = parts[index + 1]?.text.toLowerCase() ?? "";
  if (before?.text === "." || next === "." || before?.text.toLowerCase() === "as") return false;
  const isAfterOperand = before !== undefined && (/^[)\]]$/.test(before.text) || (before.kind !== "operator" && before.kind !== "other" && (before.kind !== "word" || !keywords.has(before.text.toLowerCase()) || /^(end|null)$/i.test(before.text))));
  switch (word) {
    case "and": case "or": case "in": case "like": case "ilike": case "between": case "is":
      return isAfterOperand || before?.text.toLowerCase() === "not" || before?.text.toLowerCase() === "global";
    case "as": case "asc": case "desc": return isAfterOperand;
    case "group": case "order": case "partition": return next === "by";
    case "union": case "except": case "intersect": case "distinct": return next !== "(" || word !== "distinct";
    case "all": if (/^(union|except|intersect)$/i.test(before?.text ?? "")) return true; break;
    case "global": if (next === "in" || next === "not") return true; break;
    case "by": return /^(group|order|partition|limit)$/i.test(before?.text ?? "") || before?.kind === "number";
    case "offset": return before?.kind === "number";
    case "interval": return /^(number|quoted)$/.test(parts[index + 1]?.kind ?? "") || next === "(";
    case "settings": return parts[index + 1]?.kind === "word" && parts[index + 2]?.text === "=";
    case "when": case "then": case "else": case "end": return isIn;
    case "over": return isAfterOperand && (next === "(" || parts[index + 1]?.kind === "word");
    default: break;
  }
  return !joins.has(word) || joinAt(parts, index) > 0;
}

/** How many words from `index` on say which join it is: LEFT ANY JOIN has three. */
function joinAt(parts: readonly Token[], index: number): number {
  let end = index;
  while (joins.has(parts[end]?.text.toLowerCase() ?? "")) end += 1;
  return parts[end]?.text.toLowerCase() === "join" ? end - index + 1 : 0;
}

/** `sql` with its clauses on lines of their own and its keywords in capitals. What is in brackets, texts and comments stays in line. */
export function formatSQL(sql: string): string {
  const all = sqlTokens(sql);
  // A text or comment that does not end: nobody knows what belongs to it.
  if (all.some(({ text, kind }) => kind === "other" && /^['"`]$/.test(text)) || /\/\*/.test(all.filter(({ kind }) => kind !== "comment" && kind !== "quoted").map(({ text }) => text).join(""))) return sql;
  const parts = all.filter(({ kind }) => kind !== "comment");
  let out = "";
  let depth = 0;
  let cases = 0;
  let place = -1;
  let words = 0;
  for (const part of all) {
    if (part.kind === "comment") {
      const gap = out === "" || out.endsWith("\n") ? "" : " ";
      out = part.text.startsWith("--") ? `${out}${gap}${part.text}\n` : `${out}${gap}${part.text}`;
      continue;
    }
    place += 1;
    const isWord = isKeyword(parts, place, cases > 0) || words > 0;
    const text = isWord ? part.text.toUpperCase() : part.text;
    if (part.text === ")") depth = Math.max(0, depth - 1);
    if (isWord && text === "CASE") cases += 1;
    if (isWord && text === "END") cases -= 1;
    if (words > 0) {
      out += spaced(out, text);
      words -= 1;
    } else {
      const length = isWord ? clauseAt(parts, place) : 0;
      if (length > 0 && depth === 0) {
        out = `${out.trimEnd()}${out === "" ? "" : "\n"}${text}`;
        words = length - 1;
      } else if (isWord && depth === 0 && /^(AND|OR)$/.test(text) && !isBetween(parts, place)) out = `${out.trimEnd()}\n  ${text}`;
      else out += needsSpace(parts, place) ? spaced(out, text) : text;
    }
    if (part.text === "(") depth += 1;
  }
  return out.trim();
}

function spaced(out: string, text: string): string {
  return out === "" || out.endsWith("\n") ? text : ` ${text}`;
}

/** How many words the clause that begins at `index` has. */
function clauseAt(parts: readonly Token[], index: number): number {
  const word = parts[index]?.text.toLowerCase() ?? "";
  const pair = `${word} ${parts[index + 1]?.text.toLowerCase() ?? ""}`;
  if (clauses.includes(pair)) return 2;
  return joinAt(parts, index) || (clauses.includes(word) ? 1 : 0);
}

/** Whether the AND at `index` is the one of BETWEEN. */
function isBetween(parts: readonly Token[], index: number): boolean {
  let depth = 0;
  for (let at = index - 1; at >= 0; at -= 1) {
    const text = parts[at]?.text.toLowerCase() ?? "";
    if (text === ")") depth += 1;
    else if (text === "(") depth -= 1;
    if (depth < 0) return false;
    if (depth === 0 && /^(and|or|where|having|prewhere|on|when|select)$/.test(text)) return false;
    if (depth === 0 && text === "between") return true;
  }
  return false;
}

function needsSpace(parts: readonly Token[], index: number): boolean {
  const before = parts[index - 1];
  const next = parts[index];
  if (!before || !next) return false;
  if (/^[,;).\]}]$/.test(next.text) || /^[([{.]$/.test(before.text)) return false;
  if (/^::?$/.test(before.text) || /^::?$/.test(next.text)) return false;
  if (next.text === "(" || next.text === "[") return before.kind === "operator" || before.text === "," || isKeyword(parts, index - 1, true);
  return !(isSign(parts, index - 1) && !/^[-+]$/.test(next.text));
}

/** Whether the minus or plus at `index` is the sign of what follows. */
function isSign(parts: readonly Token[], index: number): boolean {
  if (!/^[-+]$/.test(parts[index]?.text ?? "")) return false;
  const before = parts[index - 1];
  return !before || before.kind === "operator" || /^[([,{]$/.test(before.text) || isKeyword(parts, index - 1, true);
}
