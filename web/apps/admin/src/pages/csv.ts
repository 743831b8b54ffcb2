/** A cell of an answer as text. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** As in RFC 4180; a text that a spreadsheet would run as a formula is put in order by an apostrophe. */
export function csvOf(names: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? "" : textOf(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  return [names, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}

/** Rows as objects; a name that comes again gets a number. */
export function jsonOf(names: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const times = new Map<string, number>();
  const keys = names.map((name) => {
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    return time === 1 ? name : `${name}_${time}`;
  });
  return JSON.stringify(rows.map((row) => Object.fromEntries(keys.map((key, index) => [key, row[index]]))), null, 2);
}

/** A type of the store in short: without what wraps it, and a time without its precision and zone. */
export function plainType(type: string): string {
  const inner = /^(?:Nullable|LowCardinality)\((.*)\)$/.exec(type)?.[1];
  if (inner !== undefined) return plainType(inner);
  return type.replace(/^(DateTime64|DateTime|JSON)\(.*\)$/, "$1");
}
