import { resolveTheme } from "@emban/core";
import { browserKept } from "./storage";

/** What the person has chosen for the console; `auto` follows the system. */
export type ColorMode = "light" | "dark" | "auto";

const storageKey = "emban.mode";
const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function colorMode(): ColorMode {
  const kept = browserKept.get(storageKey);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function isDark(): boolean {
  const mode = colorMode();
  return mode === "auto" ? darkQuery.matches : mode === "dark";
}

export function setColorMode(mode: ColorMode): void {
  browserKept.set(storageKey, mode);
  applyTokens();
  for (const listener of listeners) listener();
}

/** The theme of charts that are the console's own: as dark as it is itself. */
export const consoleTheme = { mode: "auto" } as const;

/** Called when the console turns dark or light. */
export function onModeChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The console's colours are those of the viewer without a theme, worked out by the same code, so that charts stand on ground of their own kind. */
export function applyTokens(): void {
  const dark = isDark();
  const theme = resolveTheme({ mode: dark ? "dark" : "light" }, dark);
  const { style, dataset } = document.documentElement;
  dataset["mode"] = theme.mode;
  style.colorScheme = theme.mode;
  const variables: Readonly<Record<string, string>> = {
    "--background": theme.background, "--card": theme.card, "--card-border": theme.cardBorder, "--text": theme.text, "--muted": theme.muted,
    "--line": theme.line, "--track": theme.track, "--hover": theme.hover, "--primary": theme.primary, "--on-primary": theme.onPrimary,
    "--primary-text": theme.primaryText, "--primary-soft": theme.primarySoft, "--positive": theme.positive, "--positive-soft": theme.positiveSoft,
    "--negative": theme.negative, "--negative-soft": theme.negativeSoft, "--popover": theme.popover,
    "--warning": dark ? "#f0b35c" : "#8a5300", "--warning-soft": dark ? "rgba(240, 179, 92, 0.14)" : "rgba(217, 119, 6, 0.1)",
  };
  for (const [name, value] of Object.entries(variables)) style.setProperty(name, value);
}

export function startTokens(): void {
  applyTokens();
  darkQuery.addEventListener("change", () => {
    applyTokens();
    for (const listener of listeners) listener();
  });
}
