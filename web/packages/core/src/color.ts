/** Colour arithmetic on `#rgb`, `#rrggbb`, `#rrggbbaa` and `rgb()/rgba()/hsl()`; anything else is left to the browser untouched. */
export interface RGB {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

export function parseColor(text: string | undefined): RGB | null {
  if (!text) return null;
  const value = text.trim().toLowerCase();
  const hex = /^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/.exec(value)?.[1];
  if (hex) {
    const full = hex.length <= 4 ? [...hex].map((digit) => digit + digit).join("") : hex;
    const part = (index: number) => parseInt(full.slice(index * 2, index * 2 + 2), 16);
    return { r: part(0), g: part(1), b: part(2), a: full.length === 8 ? part(3) / 255 : 1 };
  }
  const call = /^(rgb|hsl)a?\(([^)]+)\)$/.exec(value);
  if (call) {
    const parts = (call[2] ?? "").split(/[\s,/]+/).filter((part) => part !== "");
    const read = (index: number, scale: number) => {
      const part = parts[index] ?? "";
      return part.endsWith("%") ? (parseFloat(part) / 100) * scale : parseFloat(part);
    };
    const a = parts.length > 3 ? read(3, 1) : 1;
    const color =
      call[1] === "rgb"
        ? { r: read(0, 255), g: read(1, 255), b: read(2, 255), a }
        : { ...fromHSL(parseFloat(parts[0] ?? ""), parseFloat(parts[1] ?? "") / 100, parseFloat(parts[2] ?? "") / 100), a };
    return [color.r, color.g, color.b, color.a].every(Number.isFinite) ? color : null;
  }
  return value === "white" ? { r: 255, g: 255, b: 255, a: 1 } : value === "black" ? { r: 0, g: 0, b: 0, a: 1 } : null;
}

function toHex(color: RGB): string {
  const part = (value: number) => Math.round(Math.min(255, Math.max(0, value))).toString(16).padStart(2, "0");
  return `#${part(color.r)}${part(color.g)}${part(color.b)}`;
}

/** `amount` 0 gives `a`, 1 gives `b`. */
export function mix(a: string, b: string, amount: number): string {
  const first = parseColor(a);
  const second = parseColor(b);
  if (!first || !second) return a;
  const blend = (x: number, y: number) => x + (y - x) * amount;
  return toHex({ r: blend(first.r, second.r), g: blend(first.g, second.g), b: blend(first.b, second.b), a: 1 });
}

export function withAlpha(color: string, alpha: number): string {
  const parsed = parseColor(color);
  return parsed ? `rgba(${Math.round(parsed.r)}, ${Math.round(parsed.g)}, ${Math.round(parsed.b)}, ${alpha})` : color;
}

/** WCAG 2 relative luminance, 0…1. */
export function luminance(color: RGB): number {
  const channel = (value: number) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(color.r) + 0.7152 * channel(color.g) + 0.0722 * channel(color.b);
}

/** WCAG 2 contrast ratio, 1…21; 1 when a colour cannot be read. */
export function contrast(a: string, b: string): number {
  const first = parseColor(a);
  const second = parseColor(b);
  if (!first || !second) return 1;
  const x = luminance(first);
  const y = luminance(second);
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** Black or white text, whichever reads better on `background`. */
export function readableOn(background: string): string {
  return contrast(background, "#ffffff") >= 4.5 || contrast(background, "#ffffff") >= contrast(background, "#111318") ? "#ffffff" : "#111318";
}

/** `color` moved towards black or white, just far enough to reach `ratio` on `background`. */
export function ensureContrast(color: string, background: string, ratio: number): string {
  if (!parseColor(color) || !parseColor(background)) return color;
  const base = parseColor(background);
  const towards = base && luminance(base) > 0.4 ? "#000000" : "#ffffff";
  for (let step = 0; step <= 20; step += 1) {
    const candidate = mix(color, towards, step / 20);
    if (contrast(candidate, background) >= ratio) return candidate;
  }
  return towards;
}

export function hueOf(color: string): number | null {
  const parsed = parseColor(color);
  if (!parsed) return null;
  const { r, g, b } = parsed;
  const high = Math.max(r, g, b);
  const span = high - Math.min(r, g, b);
  if (span < 24) return null;
  const sector = high === r ? ((g - b) / span + 6) % 6 : high === g ? (b - r) / span + 2 : (r - g) / span + 4;
  return sector * 60;
}

function fromHSL(hue: number, saturation: number, lightness: number): { r: number; g: number; b: number } {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const part = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return 255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return { r: part(0), g: part(8), b: part(4) };
}
