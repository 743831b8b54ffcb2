/** What is typed as a number: undefined for nothing, null where it is none or could be two: `1,000` is a thousand to some and one to others. */
export function numberOf(typed: string): number | undefined | null {
  const text = typed.trim();
  if (text === "") return undefined;
  if (!/^-?\d+([.,]\d+)?$/.test(text) || /^-?[1-9]\d{0,2}(,\d{3}|\.000)$/.test(text)) return null;
  return Number(text.replace(",", "."));
}

/** The same for numbers of things: digits and nothing else. */
export function wholeOf(typed: string): number | undefined | null {
  const text = typed.trim();
  if (text === "") return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
