const most = 30;
/** Statements may be long, and a browser gives little room. */
const mostCharacters = 100_000;

/** `text` before what was run earlier, each once, as many as there is room for. */
export function fitHistory(text: string, earlier: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let characters = 0;
  for (const one of [text, ...earlier.filter((before) => before !== text)].slice(0, most)) {
    characters += one.length;
    if (characters > mostCharacters) break;
    kept.push(one);
  }
  return kept;
}
