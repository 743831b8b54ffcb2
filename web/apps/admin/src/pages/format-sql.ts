const clauses = [
  "select", "from", "prewhere", "where", "group by", "having", "order by", "limit", "union all", "union distinct", "left join", "inner join",
  "right join", "full join", "join", "with", "settings",
];
const keywords = new Set(
  "select from where group by having order limit union all distinct as and or not in is null like ilike between case when then else end asc desc join left right inner full on using with prewhere over partition interval settings offset any".split(" "),
);

interface Token {
  readonly text: string;
  readonly kind: "word" | "space" | "other" | "comment";
}

/** Texts and comments are single tokens, so that nothing inside them is touched. */
function tokens(sql: string): readonly Token[] {
  const pattern = /('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|(--[^\n]*|\/\*[\s\S]*?\*\/)|([A-Za-z_][\w]*)|(\s+)|([^\s])/g;
  return [...sql.matchAll(pattern)].map(([text = "", , comment, word, space]) => ({ text, kind: comment !== undefined ? "comment" : word !== undefined ? "word" : space !== undefined ? "space" : "other" }));
}

/** `sql` with its clauses on lines of their own and its keywords in capitals. What is in brackets, texts and comments stays in line. */
export function formatSQL(sql: string): string {
  const parts = tokens(sql).filter(({ kind }) => kind !== "space");
  let out = "";
  let depth = 0;
  let previous = "";
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index];
    if (!part) continue;
    const pair = `${part.text} ${parts[index + 1]?.text ?? ""}`.toLowerCase();
    const clause = part.kind === "word" && previous !== "." ? clauses.find((name) => name === pair) ?? clauses.find((name) => name === part.text.toLowerCase()) : undefined;
    const isWord = part.kind === "word" && keywords.has(part.text.toLowerCase()) && previous !== ".";
    const text = isWord ? part.text.toUpperCase() : part.text;
    if (part.text === ")") depth = Math.max(0, depth - 1);
    if (clause && depth === 0) {
      out = `${out.trimEnd()}${out === "" ? "" : "\n"}${clause.toUpperCase()}`;
      if (clause.includes(" ")) index += 1;
      previous = clause;
      continue;
    }
    if (part.kind === "word" && depth === 0 && /^(and|or)$/i.test(part.text)) out = `${out.trimEnd()}\n  ${text}`;
    else if (part.kind === "comment" && part.text.startsWith("--")) out = `${out}${out === "" || out.endsWith("\n") ? "" : " "}${part.text}\n`;
    else out += needsSpace(previous, part.text, out) ? ` ${text}` : text;
    if (part.text === "(") depth += 1;
    previous = part.text;
  }
  return out.trim();
}

function needsSpace(before: string, next: string, out: string): boolean {
  if (out === "" || out.endsWith("\n")) return false;
  if (/^[,;).\]]$/.test(next) || before === "(" || before === "." || before === "[") return false;
  if (next === "(" || next === "[") return keywords.has(before.toLowerCase()) || clauses.includes(before) || /^[=<>+*/%,-]$/.test(before);
  if (/^[<>=!:|]$/.test(before) && /^[=>:|]$/.test(next)) return false;
  if (before === ":" || next === ":") return false;
  return true;
}
