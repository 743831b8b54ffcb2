export interface Suggestion {
  readonly value: string;
  readonly label?: string;
  /** What is known of it, at the end of its line. */
  readonly note?: string;
}

interface Choice {
  readonly text: string;
  readonly suggestions: readonly Suggestion[];
  /** Only what is suggested may be chosen. */
  readonly strict: boolean;
  /** May be emptied. */
  readonly clearable: boolean;
  /** The suggestion that an arrow key or the pointer has chosen. */
  readonly chosen?: Suggestion | undefined;
}

/** What a typed text stands for; null when it is nothing that may be taken. A name that is part of another one's is itself. */
export function choiceOf({ text, suggestions, strict, clearable, chosen }: Choice): string | null {
  if (chosen) return chosen.value;
  const typed = text.trim();
  const exact = suggestions.find(({ value, label }) => value === typed || label === typed);
  if (exact) return exact.value;
  if (typed === "") return clearable ? "" : null;
  return strict ? null : typed;
}

/** Those in which the text stands. */
export function matching(text: string, suggestions: readonly Suggestion[]): readonly Suggestion[] {
  const needle = text.trim().toLowerCase();
  return needle === "" ? suggestions : suggestions.filter(({ value, label }) => `${label ?? ""} ${value}`.toLowerCase().includes(needle));
}

/** The line that Enter takes without any arrow key: the only sensible one where nothing else may be chosen, else none. */
export function firstLine(text: string, found: readonly Suggestion[], strict: boolean): number {
  const typed = text.trim();
  const exact = found.findIndex(({ value, label }) => value === typed || label === typed);
  return exact >= 0 ? exact : strict && typed !== "" && found.length > 0 ? 0 : -1;
}
