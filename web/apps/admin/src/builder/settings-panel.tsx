import type { DraftConfig } from "../api/types";
import { timeZones } from "../pages/settings";
import { Combo, CopyButton, Field, Switch, TextArea, TextInput } from "../ui";
import { words } from "../words";
import { SettledInput } from "./widget-panel";

const w = words.dashboard;
/** In pixels, as the server takes them. */
const [lowestRow, highestRow] = [20, 400];

interface SettingsPanelProps {
  readonly config: DraftConfig;
  readonly id: string;
  /** The address that the server has: a dashboard is not without one. */
  readonly slug: string;
  readonly canEdit: boolean;
  readonly problemOf: (path: string) => string | null;
  readonly onChange: (change: (config: DraftConfig) => DraftConfig, key: string) => void;
}

export function SettingsPanel({ config, id, slug, canEdit, problemOf, onChange }: SettingsPanelProps): JSX.Element {
  const put = (member: keyof DraftConfig, value: unknown) =>
    onChange((before) => {
      const next: Record<string, unknown> = { ...before };
      if (value === undefined || value === "") delete next[member];
      else next[member] = value;
      return next as unknown as DraftConfig;
    }, `settings.${member}`);
  return (
    <fieldset className="panel-form" disabled={!canEdit}>
      <Field label={w.description} optional error={problemOf("description")}>
        {(ids) => <TextArea {...ids} rows={3} value={config.description ?? ""} onText={(text) => put("description", text)} />}
      </Field>
      <Field label={w.slug} hint={w.slugHint} error={problemOf("slug")}>
        {(ids) => (
          <TextInput
            {...ids} mono value={config.slug ?? ""} onText={(text) => put("slug", text)}
            onBlur={() => config.slug === undefined && canEdit && put("slug", slug)}
          />
        )}
      </Field>
      <Field label={w.zone} hint={w.zoneHint} error={problemOf("timezone")}>
        {(ids) => (
          <Combo
            ids={ids} strict clearable value={config.timezone ?? ""} onPick={(zone) => put("timezone", zone)}
            suggestions={timeZones().map((value) => ({ value }))} placeholder="UTC"
          />
        )}
      </Field>
      <Field label={w.rowHeight} error={problemOf("layout.row_height")}>
        {(ids) => (
          <SettledInput
            ids={ids} value={config.layout?.row_height ?? 80}
            onSettle={(value) => put("layout", { columns: 12, row_height: Math.min(highestRow, Math.max(lowestRow, Math.round(value))) })}
          />
        )}
      </Field>
      <Switch label={w.live} hint={w.liveHint} on={config.live ?? false} onToggle={(on) => put("live", on ? true : undefined)} />
      <div className="field">
        <span className="field-label">{w.id}</span>
        <span className="row spread"><code className="break">{id}</code><CopyButton text={id} /></span>
      </div>
    </fieldset>
  );
}
