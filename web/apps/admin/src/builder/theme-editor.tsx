import { contrast, parseColor, resolveTheme, type Theme } from "@emban/core";
import { isDark } from "../tokens";
import { Button, Field, IconButton, Note, Segments, Select, Switch, TextInput } from "../ui";
import { words } from "../words";
import { ColorField, hexOf } from "./color-field";

const w = words.theme;

type ColorName = "primaryColor" | "backgroundColor" | "cardBackground" | "cardBorder" | "textColor" | "mutedColor";
const colorNames: readonly ColorName[] = ["primaryColor", "backgroundColor", "cardBackground", "cardBorder", "textColor", "mutedColor"];

/** Complete looks to begin with. */
export const presets: Readonly<Record<string, Theme>> = {
  emban: {},
  slate: { primaryColor: "#334155", palette: ["#334155", "#0891b2", "#ca8a04", "#be185d", "#4d7c0f", "#7c3aed"] },
  forest: { primaryColor: "#0f7a4d", palette: ["#0f7a4d", "#d97706", "#2563eb", "#a21caf", "#64748b", "#b45309"] },
  plum: { primaryColor: "#8b2fc9", palette: ["#8b2fc9", "#db2777", "#0d9488", "#ea580c", "#4f46e5", "#65a30d"] },
  ocean: { primaryColor: "#0369a1", backgroundColor: "#f0f6fa", cardBorder: "#d5e3ec", palette: ["#0369a1", "#0d9488", "#f59e0b", "#e11d48", "#6366f1", "#475569"] },
  sand: {
    primaryColor: "#b4540a", backgroundColor: "#faf7f2", cardBackground: "#fffdfa", cardBorder: "#ebe3d6", textColor: "#2b241b",
    mutedColor: "#756a5b", palette: ["#b4540a", "#4d7c0f", "#0e7490", "#be123c", "#7e22ce", "#57534e"],
  },
  midnight: {
    mode: "dark", primaryColor: "#7dd3fc", backgroundColor: "#0b1220", cardBackground: "#121b2e", cardBorder: "#22304a", textColor: "#e6edf7",
    mutedColor: "#93a4bf", palette: ["#7dd3fc", "#fbbf24", "#f472b6", "#86efac", "#c4b5fd", "#fca5a5"],
  },
  mono: { primaryColor: "#27272a", backgroundColor: "#ffffff", palette: ["#27272a", "#71717a", "#a1a1aa", "#52525b", "#3f3f46", "#8e8e96"] },
};

const fonts: Readonly<Record<"sans" | "serif" | "mono", string>> = {
  sans: 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  serif: 'ui-serif, Georgia, Cambria, "Times New Roman", serif', mono: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace',
};

interface ThemeEditorProps {
  readonly theme: Theme;
  readonly onChange: (theme: Theme) => void;
  readonly problemOf: (member: string) => string | null;
  readonly wide?: boolean;
}

export function ThemeEditor({ theme, onChange, problemOf, wide = false }: ThemeEditorProps): JSX.Element {
  const resolved = resolveTheme(theme, isDark());
  const put = (changes: { readonly [K in keyof Theme]?: Theme[K] | undefined }) => {
    const next: Record<string, unknown> = { ...theme, ...changes };
    for (const [name, value] of Object.entries(next)) if (value === undefined || value === "") delete next[name];
    onChange(next as Theme);
  };
  const fallback: Readonly<Record<ColorName, string>> = {
    primaryColor: resolved.primary, backgroundColor: resolved.background, cardBackground: resolved.card, cardBorder: resolved.cardBorder,
    textColor: resolved.text, mutedColor: resolved.muted,
  };
  const palette = theme.palette ?? [];
  const font = Object.entries(fonts).find(([, list]) => list === theme.fontFamily)?.[0] ?? (theme.fontFamily === undefined ? "page" : "custom");
  const warnings = contrastWarnings(theme);
  return (
    <div className={wide ? "theme wide" : "theme"}>
      <div className="theme-part">
        <span className="field-label">{w.presets}</span>
        <div className="presets">
          {Object.entries(presets).map(([name, preset]) => {
            const look = resolveTheme(preset, isDark());
            return (
              <button key={name} type="button" className="preset" aria-pressed={isPreset(theme, preset)}
                onClick={() => onChange({ ...preset, ...kept(theme),
                  ...(preset.mode === undefined && theme.mode !== undefined && theme.mode !== "dark" && { mode: theme.mode }) })}>
                <span className="preset-picture" style={{ background: look.background, borderColor: look.cardBorder }}>
                  <span style={{ background: look.card, borderColor: look.cardBorder }}>
                    {look.palette.slice(0, 4).map((color, index) => <i key={color} style={{ background: color, height: `${[60, 90, 45, 75][index] ?? 50}%` }} />)}
                  </span>
                </span>
                {w.presetNames[name] ?? name}
              </button>
            );
          })}
        </div>
      </div>
      <div className="field">
        <span className="field-label">{w.mode}</span>
        <Segments
          label={w.mode} value={theme.mode ?? "light"} onPick={(mode) => put({ mode })}
          options={(["light", "dark", "auto"] as const).map((value) => ({ value, label: w.modes[value] }))}
        />
      </div>
      {warnings.length > 0 && <Note tone="warn" title={w.contrastTitle}>{warnings.map((warning) => <p key={warning}>{warning}</p>)}</Note>}
      <div className="theme-colors">
        {colorNames.map((name) => (
          <Field key={name} label={w.names[name] ?? name} error={problemOf(name)}>
            {(ids) => (
              <ColorField ids={ids} label={w.names[name] ?? name} value={theme[name]} fallback={fallback[name]} onColor={(color) => put({ [name]: color })} />
            )}
          </Field>
        ))}
      </div>
      <div className="field" role="group" aria-label={w.palette}>
        <span className="field-label">{w.palette}</span>
        <div className="palette">
          {palette.map((color, index) => (
            <span className="palette-color" key={index}>
              <input
                type="color" aria-label={`${w.palette} ${index + 1}`} value={hexOf(color)}
                onChange={(event) => put({ palette: palette.map((one, at) => (at === index ? event.target.value : one)) })}
              />
              <IconButton
                icon="close" label={w.removeColor(color)}
                onClick={() => put({ palette: palette.length > 1 ? palette.filter((_one, at) => at !== index) : undefined })}
              />
            </span>
          ))}
          {palette.length < 24 && <Button small icon="plus"
            onClick={() => put({ palette: palette.length === 0 ? resolved.palette.slice(0, 6)
              : [...palette, resolved.palette[palette.length % resolved.palette.length] ?? "#888888"] })}>{w.addColor}</Button>}
        </div>
        <p className="field-hint">{problemOf("palette") ?? w.paletteHint}</p>
      </div>
      <Field label={w.font} error={font === "custom" ? null : problemOf("fontFamily")}>
        {(ids) => (
          <Select
            {...ids} value={font} onPick={(value) => put({ fontFamily: value === "page" ? undefined : value === "custom" ? "Inter, sans-serif"
              : fonts[value as "sans"] })}
            options={[{ value: "page", label: w.fontPage }, ...(["sans", "serif", "mono", "custom"] as const).map((value) => ({ value, label: w.fonts[value] }))]}
          />
        )}
      </Field>
      {font === "custom" && (
        <Field label={w.fontList} error={problemOf("fontFamily")}>
          {(ids) => <TextInput {...ids} mono value={theme.fontFamily ?? ""} onText={(fontFamily) => put({ fontFamily })} />}
        </Field>
      )}
      <Field label={w.logo} hint={w.logoHint} error={problemOf("logoUrl")}>
        {(ids) => <TextInput {...ids} mono type="url" value={theme.logoUrl ?? ""} placeholder="https://" onText={(logoUrl) => put({ logoUrl })} />}
      </Field>
      <Switch label={w.poweredBy} on={theme.poweredBy !== false} onToggle={(on) => put({ poweredBy: on ? undefined : false })} />
      <span><Button small kind="quiet" icon="undo" onClick={() => onChange({})}>{w.reset}</Button></span>
    </div>
  );
}

/** A preset says nothing of these. */
function kept(theme: Theme): Theme {
  return {
    ...(theme.fontFamily !== undefined && { fontFamily: theme.fontFamily }), ...(theme.logoUrl !== undefined && { logoUrl: theme.logoUrl }),
    ...(theme.poweredBy !== undefined && { poweredBy: theme.poweredBy }),
  };
}

function isPreset(theme: Theme, preset: Theme): boolean {
  return [...colorNames, "palette" as const].every((name) => JSON.stringify(theme[name]) === JSON.stringify(preset[name]))
    && (preset.mode === undefined ? theme.mode !== "dark" || Object.keys(preset).length === 0 : theme.mode === preset.mode);
}

/** What is hard to read in the colours as they were chosen, by the ratios of WCAG 2. */
export function contrastWarnings(theme: Theme): readonly string[] {
  const dark = theme.mode === "dark" || (theme.mode === "auto" && isDark());
  const plain = resolveTheme({ mode: dark ? "dark" : "light" }, dark);
  const card = theme.cardBackground ?? plain.card;
  const pairs = [
    { name: w.pairs.text, color: theme.textColor, on: card, wanted: 4.5 }, { name: w.pairs.muted, color: theme.mutedColor, on: card, wanted: 4.5 },
    { name: w.pairs.primary, color: theme.primaryColor, on: card, wanted: 3 },
    { name: w.pairs.page, color: theme.textColor ?? plain.text, on: theme.backgroundColor, wanted: 4.5 },
    { name: w.pairs.text, color: theme.textColor === undefined && theme.cardBackground !== undefined ? plain.text : undefined, on: card, wanted: 4.5 },
  ];
  return pairs.flatMap(({ name, color, on, wanted }) => {
    if (color === undefined || on === undefined || !parseColor(color) || parseColor(on)?.a !== 1) return [];
    const ratio = contrast(color, on);
    return ratio < wanted ? [w.contrast(name, ratio.toFixed(1), String(wanted))] : [];
  });
}
