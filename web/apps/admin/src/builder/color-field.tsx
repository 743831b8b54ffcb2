import { parseColor } from "@emban/core";
import { useEffect, useState } from "react";
import { TextInput, type FieldIds } from "../ui";
import { words } from "../words";

interface ColorProps {
  readonly value: string | undefined;
  /** What is shown where nothing is chosen. */
  readonly fallback: string;
  readonly onColor: (color: string | undefined) => void;
  readonly label: string;
  readonly ids?: Partial<FieldIds>;
}

/** A colour by eye or by its name; empty is what follows from the rest. */
export function ColorField({ value, fallback, onColor, label, ids }: ColorProps): JSX.Element {
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  const put = (next: string) => {
    setText(next);
    if (next.trim() === "") onColor(undefined);
    else if (parseColor(next) !== null) onColor(next.trim());
  };
  return (
    <span className="color">
      <input type="color" aria-label={label} value={hexOf(value ?? fallback)} onChange={(event) => put(event.target.value)} />
      <TextInput
        {...(ids ?? { "aria-label": label })} mono value={text} onText={put} placeholder={words.theme.automatic} spellCheck={false}
        {...(text.trim() !== "" && parseColor(text) === null && { "aria-invalid": true })}
      />
    </span>
  );
}

export function hexOf(color: string): string {
  const parsed = parseColor(color);
  if (!parsed) return "#888888";
  const part = (value: number) => Math.round(value).toString(16).padStart(2, "0");
  return `#${part(parsed.r)}${part(parsed.g)}${part(parsed.b)}`;
}
