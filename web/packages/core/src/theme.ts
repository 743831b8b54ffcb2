import { contrast, ensureContrast, hueOf, luminance, mix, parseColor, readableOn, withAlpha } from "./color";
import type { Theme } from "./types";

/** Every colour a chart or a card needs, worked out once from the author's theme. */
export interface ResolvedTheme {
  readonly mode: "light" | "dark";
  readonly background: string;
  readonly card: string;
  readonly cardBorder: string;
  readonly text: string;
  readonly muted: string;
  /** Grid lines, tracks of bars, skeletons: from strong to faint. */
  readonly line: string;
  readonly track: string;
  readonly hover: string;
  readonly primary: string;
  readonly onPrimary: string;
  /** The primary colour as text: at least 4.5:1 on card, page and panel, also where these are tinted with `primarySoft`. */
  readonly primaryText: string;
  readonly primarySoft: string;
  readonly positive: string;
  readonly positiveSoft: string;
  readonly negative: string;
  readonly negativeSoft: string;
  readonly popover: string;
  readonly palette: readonly string[];
  readonly fontFamily: string | null;
  readonly logoUrl: string | null;
  readonly poweredBy: boolean;
}

/** Neighbours differ in hue and lightness, also for the common colour deficiencies; each has at least 3:1 on its card. */
const lightPalette = ["#4a63e7", "#0d9488", "#d9730d", "#8b5cf6", "#d6417f", "#5b8c0f", "#0880c4", "#64748b"];
const darkPalette = ["#8094ff", "#2cc4b3", "#f2a45c", "#b197fc", "#f283b0", "#a3c957", "#56b6f2", "#94a3b8"];

const themeKeys = new Set([
  "primaryColor", "backgroundColor", "cardBackground", "cardBorder", "textColor", "mutedColor", "fontFamily", "logoUrl", "palette", "mode",
  "poweredBy",
]);

export function resolveTheme(theme: Theme | undefined, prefersDark: boolean): ResolvedTheme {
  const given = theme ?? {};
  const mode = given.mode === "auto" ? (prefersDark ? "dark" : "light") : modeOf(given);
  const dark = mode === "dark";

  const card = given.cardBackground ?? (dark ? "#15181e" : "#ffffff");
  // A translucent or named card colour cannot be measured; contrast is then judged against the mode's own card.
  const ground = parseColor(card)?.a === 1 ? card : dark ? "#15181e" : "#ffffff";
  const background = given.backgroundColor ?? (dark ? "#0d0f13" : "#f6f7f9");
  const text = readable(given.textColor ?? (dark ? "#eceef2" : "#16191f"), ground, 4.5);
  const muted = readable(given.mutedColor ?? (dark ? "#9aa2b1" : "#626a78"), ground, 4.5);
  const line = mix(ground, text, dark ? 0.12 : 0.09);
  const palette = paletteOf(given, dark ? darkPalette : lightPalette);
  const brand = given.primaryColor && parseColor(given.primaryColor) ? given.primaryColor : palette[0] ?? lightPalette[0] ?? "#4a63e7";
  // Many a brand colour was chosen for white paper: in the dark it is lightened until bars and lines can be seen.
  const primary = dark ? ensureContrast(brand, ground, 3.2) : brand;
  const popover = dark ? mix(ground, "#ffffff", 0.05) : ground;
  const page = parseColor(background)?.a === 1 ? background : ground;
  // Such text stands on cards, on the page and on panels, and on a tint of its own colour over any of them.
  const asText = (color: string, tint: string, alpha: number) =>
    [ground, page, popover].flatMap((under) => [under, mix(under, tint, alpha)]).reduce((text, under) => ensureContrast(text, under, 4.5), color);
  const softness = { primary: dark ? 0.2 : 0.1, change: dark ? 0.16 : 0.1 };
  const good = dark ? "#4cc38a" : "#137a4b";
  const bad = dark ? "#ff8589" : "#c4323a";

  return {
    mode,
    background,
    card,
    cardBorder: given.cardBorder ?? (dark ? "#252a33" : "#e4e7ec"),
    text,
    muted,
    line,
    track: mix(ground, text, dark ? 0.1 : 0.06),
    hover: mix(ground, text, dark ? 0.07 : 0.04),
    primary,
    onPrimary: readableOn(primary),
    primaryText: asText(primary, primary, softness.primary),
    primarySoft: withAlpha(primary, softness.primary),
    positive: asText(good, good, softness.change),
    positiveSoft: withAlpha(good, softness.change),
    negative: asText(bad, bad, softness.change),
    negativeSoft: withAlpha(bad, softness.change),
    popover,
    palette,
    fontFamily: given.fontFamily ?? null,
    logoUrl: given.logoUrl ?? null,
    poweredBy: given.poweredBy !== false,
  };
}

/** Reads a theme that a host page sent; unknown keys and wrong types are refused by name. */
export function readTheme(value: unknown): Theme {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("theme: expected an object");
  for (const [key, entry] of Object.entries(value)) {
    if (!themeKeys.has(key)) throw new TypeError(`theme.${key}: unknown field`);
    if (entry === undefined) continue;
    const ok =
      key === "palette"
        ? Array.isArray(entry) && entry.every((color) => typeof color === "string")
        : key === "poweredBy"
          ? typeof entry === "boolean"
          : key === "mode"
            ? entry === "light" || entry === "dark" || entry === "auto"
            : typeof entry === "string";
    if (!ok) throw new TypeError(`theme.${key}: wrong type or value`);
  }
  return value as Theme;
}

/** Only addresses an image may come from: https, same-origin paths and inline images; never `javascript:`. */
export function safeImageURL(url: string): string | null {
  return /^(https?:\/\/|\/(?!\/)|data:image\/(png|jpeg|gif|webp|svg\+xml)[;,])/i.test(url.trim()) ? url.trim() : null;
}

/** Without a mode, an author who set only dark colours still gets dark text rules. */
function modeOf(theme: Theme): "light" | "dark" {
  if (theme.mode === "dark" || theme.mode === "light") return theme.mode;
  const ground = parseColor(theme.cardBackground ?? theme.backgroundColor);
  return ground && ground.a > 0.5 && luminance(ground) < 0.2 ? "dark" : "light";
}

function paletteOf(theme: Theme, fallback: readonly string[]): readonly string[] {
  const own = (theme.palette ?? []).filter((color) => parseColor(color) !== null);
  if (own.length > 0) return own;
  const primary = theme.primaryColor;
  if (!primary || !parseColor(primary)) return fallback;
  const hue = hueOf(primary);
  const distinct = fallback.filter((color) => {
    const other = hueOf(color);
    if (hue === null || other === null) return true;
    const distance = Math.abs(hue - other);
    return Math.min(distance, 360 - distance) > 24;
  });
  return [primary, ...distinct];
}

/** An author's own colour is respected unless it is unreadable. */
function readable(color: string, ground: string, ratio: number): string {
  return parseColor(color) && contrast(color, ground) < ratio - 1.5 ? ensureContrast(color, ground, ratio) : color;
}
