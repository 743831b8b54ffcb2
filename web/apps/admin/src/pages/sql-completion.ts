export interface Completion {
  readonly text: string;
  /** Its type, or what kind of thing it is. */
  readonly note: string;
}

/** What is offered beside tables and columns: the words of a SELECT, and functions that questions about events need. */
const vocabulary: readonly Completion[] = [
  ...["SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "HAVING", "AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ILIKE", "AS", "WITH", "DISTINCT", "DESC", "INTERVAL",
    "CASE", "WHEN", "THEN", "ELSE", "END", "UNION ALL", "IS NULL", "IS NOT NULL"].map((text) => ({ text, note: "" })),
  ...["count()", "countIf(", "sum(", "sumIf(", "avg(", "min(", "max(", "uniq(", "uniqExact(", "quantile(0.95)(", "topK(10)(", "any(", "groupArray(", "round(", "toDate(",
    "toStartOfHour(", "toStartOfDay(", "toStartOfWeek(", "toStartOfMonth(", "toHour(", "toDayOfWeek(", "now()", "today()", "dateDiff(", "toString(", "coalesce(", "if(",
    "lower(", "positionCaseInsensitive("].map((text) => ({ text, note: "" })),
];

/** What may follow: names that begin with the word before the cursor, or whose last part does, columns before words. */
export function complete(word: string, completions: readonly Completion[]): readonly Completion[] {
  const needle = word.toLowerCase().replace(/`/g, "");
  const rank = ({ text }: Completion): number => {
    const plain = text.toLowerCase().replace(/`/g, "");
    if (plain.startsWith(needle)) return 0;
    return plain.slice(plain.indexOf(".") + 1).startsWith(needle) ? 1 : 2;
  };
  const found = [...completions, ...vocabulary].map((one, index) => ({ one, index, rank: rank(one) })).filter((each) => each.rank < 2);
  return found.sort((first, second) => first.rank - second.rank || first.index - second.index).map(({ one }) => one).slice(0, 60);
}

/** The word that begins at `column`, or a sign; at the end of a line its last sign. */
export function wrongPart(line: string, column: number): readonly [number, number] {
  const start = Math.min(Math.max(0, column), Math.max(0, line.trimEnd().length - 1));
  const length = /^(?:[\w.]+|`[^`]*`?|'[^']*'?)/.exec(line.slice(start))?.[0]?.length ?? 1;
  return [start, start + length];
}
