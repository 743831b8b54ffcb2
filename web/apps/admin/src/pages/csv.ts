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
