import { DashboardController } from "@emban/core";
import { useEffect, useRef, useState } from "react";
import { DashboardView } from "../../../../packages/element/src/dashboard-view";
import { useSettled } from "../api/hooks";
import type { DraftConfig } from "../api/types";
import { widgetName } from "../charts/gallery";
import { viewerStyles } from "../charts/widget-card";
import { readLocked } from "../pages/sessions";
import { isDark } from "../tokens";
import { Checkbox, Combo, Dialog, Field, Note, Segments, TextArea, type Suggestion } from "../ui";
import { words } from "../words";
import type { Look } from "./answers";
import { draftTransport, type PreviewPermissions } from "./draft-transport";

const w = words.preview;
const widths = { wide: "100%", medium: "768px", narrow: "360px" } as const;
const periods = ["1h", "24h", "7d", "30d", "90d", "12mo"];

interface PreviewProps {
  readonly config: DraftConfig;
  readonly id: string;
  readonly look: Look;
  readonly tenants: readonly Suggestion[];
  readonly onTenant: (tenant: string) => void;
  readonly onClose: () => void;
}

/** The whole draft in the viewer itself, for a customer and with permissions of one's choice. */
export function PreviewDialog({ config, id, look, tenants, onTenant, onClose }: PreviewProps): JSX.Element {
  const [device, setDevice] = useState<keyof typeof widths>("wide");
  const [mode, setMode] = useState<"light" | "dark">(isDark() ? "dark" : "light");
  const [locked, setLocked] = useState("");
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const [allowed, setAllowed] = useState<readonly string[]>([]);
  const lockedFilters = readLocked(locked);
  // What is being typed is asked for once it is typed.
  const settled = useSettled(locked, 400);
  const [dimensions, setDimensions] = useState<readonly string[]>([]);
  const filtered = [...new Set(config.filters?.flatMap(({ dimension, value }) => (dimension !== undefined && value === undefined ? [dimension] : [])) ?? [])];
  const permissions: PreviewPermissions = { locked: readLocked(settled) ?? {}, hidden, periods: allowed, dimensions };
  const toggle = (list: readonly string[], value: string) => (list.includes(value) ? list.filter((one) => one !== value) : [...list, value]);
  return (
    <Dialog title={`${w.title}: ${config.name}`} size="full" onClose={onClose} bare>
      <div className="preview">
        <aside className="preview-side stack">
          <p className="muted small">{w.text}</p>
          <Field label={w.tenant}>
            {(ids) => <Combo ids={ids} clearable value={look.tenant} onPick={onTenant} suggestions={tenants} placeholder={words.builder.allTenants} />}
          </Field>
          <div className="field">
            <span className="field-label">{w.device}</span>
            <Segments
              label={w.device} value={device} onPick={setDevice}
              options={[{ value: "wide", label: w.devices.wide, icon: "screen", hideLabel: true },
                { value: "medium", label: w.devices.medium, icon: "tablet", hideLabel: true },
                { value: "narrow", label: w.devices.narrow, icon: "phone", hideLabel: true }]}
            />
          </div>
          <div className="field">
            <span className="field-label">{w.appearance}</span>
            <Segments
              label={w.appearance} value={mode} onPick={setMode}
              options={[{ value: "light", label: words.theme.modes.light }, { value: "dark", label: words.theme.modes.dark }]}
            />
          </div>
          <h3 className="field-label">{w.permissions}</h3>
          <Field label={w.locked} error={lockedFilters === null ? words.sessions.lockedError : null}>
            {(ids) => <TextArea {...ids} mono rows={2} value={locked} onText={setLocked} placeholder="model=gpt-4" />}
          </Field>
          <fieldset className="choices inline">
            <legend>{w.periods}</legend>
            {periods.map((period) => <Checkbox key={period} label={period} on={allowed.includes(period)} onToggle={() => setAllowed(toggle(allowed, period))} />)}
            <p className="field-hint">{w.periodsHint}</p>
          </fieldset>
          {filtered.length > 0 && (
            <fieldset className="choices inline">
              <legend>{w.dimensions}</legend>
              {filtered.map((name) => <Checkbox key={name} label={name} on={dimensions.includes(name)} onToggle={() => setDimensions(toggle(dimensions, name))} />)}
            </fieldset>
          )}
          {(config.widgets?.length ?? 0) > 0 && (
            <fieldset className="choices">
              <legend>{w.hidden}</legend>
              {config.widgets?.map((widget) => <Checkbox key={widget.id} label={widgetName(widget)} on={hidden.includes(widget.id)}
                onToggle={() => setHidden(toggle(hidden, widget.id))} />)}
            </fieldset>
          )}
          <Note>{w.note}{config.filters?.some(({ value }) => value !== undefined) && ` ${w.softNote}`}</Note>
        </aside>
        <div className="preview-stage" data-mode={mode} tabIndex={0} role="region" aria-label={w.title}>
          <div className="preview-page" style={{ width: widths[device] }}>
            <View key={JSON.stringify([config, look, permissions])} config={config} id={id} look={look} permissions={permissions} mode={mode} />
          </div>
        </div>
      </div>
    </Dialog>
  );
}

interface ViewProps {
  readonly config: DraftConfig;
  readonly id: string;
  readonly look: Look;
  readonly permissions: PreviewPermissions;
  readonly mode: "light" | "dark";
}

function View({ config, id, look, permissions, mode }: ViewProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<DashboardView | null>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [viewerStyles()];
    const made = new DashboardView(element, {
      host: "", assets: "", emit: () => undefined,
      share: (listener) => new DashboardController({ host: location.origin, fetch: draftTransport(config, id, look, permissions) }, listener),
    });
    view.current = made;
    shadow.replaceChildren(made.root);
    made.connect();
    made.controller.setToken("draft");
    return () => {
      made.disconnect();
      view.current = null;
    };
    // A change of anything makes a new one, by the key.
  }, []);
  useEffect(() => {
    // A theme that is "auto", or says nothing, follows the chosen appearance; others are as their author made them.
    if (config.theme?.mode === "auto") view.current?.setTheme({ mode });
  }, [mode, config.theme?.mode]);
  return <div ref={host} data-view="dashboard" />;
}
