import { useState } from "react";
import { useList } from "../api/hooks";
import type { AuditEntry } from "../api/types";
import { setQuery, usePlace } from "../router";
import { Ago, Badge, Combo, DataTable, dateTime, Dialog, Empty, Field, PageHead, Section, Select, TextInput } from "../ui";
import { words } from "../words";

const w = words.audit;

export function AuditPage(): JSX.Element {
  const { query } = usePlace();
  const filter = (name: string) => query.get(name) ?? "";
  const day = (name: string, shift: number) => (filter(name) === "" ? undefined : new Date(Date.parse(`${filter(name)}T00:00:00`) + shift * 86_400_000).toISOString());
  const entries = useList<AuditEntry>("/v1/audit", {
    action: filter("action"), actor: filter("actor"), entity: filter("entity"), entity_id: filter("id"), from: day("from", 0), to: day("to", 1), limit: 50,
  });
  const [open, setOpen] = useState<AuditEntry | null>(null);
  const actors = [...new Map((entries.rows ?? []).map(({ actor }) => [actor.id, actor])).values()];
  return (
    <div className="page wide">
      <PageHead title={w.title} text={w.text} />
      <div className="filter-row">
        <Field label={w.action}>
          {(ids) => (
            <Select
              {...ids} value={filter("action")} onPick={(action) => setQuery({ action })}
              options={[{ value: "", label: w.anything }, ...Object.entries(w.actions).map(([value, label]) => ({ value, label: label.charAt(0).toUpperCase() + label.slice(1) }))]}
            />
          )}
        </Field>
        <Field label={w.actor}>
          {(ids) => (
            <Combo
              ids={ids} clearable value={filter("actor")} onPick={(actor) => setQuery({ actor })} placeholder={w.anything}
              suggestions={actors.map((actor) => ({ value: actor.id, label: actor.name ?? actor.email ?? actor.id, note: w.kinds[actor.kind] ?? actor.kind }))}
            />
          )}
        </Field>
        <Field label={w.after}>{(ids) => <TextInput {...ids} type="date" value={filter("from")} onText={(from) => setQuery({ from })} />}</Field>
        <Field label={w.before}>{(ids) => <TextInput {...ids} type="date" value={filter("to")} onText={(to) => setQuery({ to })} />}</Field>
      </div>
      <Section flush>
        <DataTable
          label={w.title} rows={entries.rows} rowKey={(entry) => entry.id} error={entries.error} onRetry={entries.reload} more={entries.hasMore ? entries.more : null} isLoading={entries.isLoading} bones={10}
          empty={<Empty icon="audit" title={w.none} text={w.noneText} />} onSelect={setOpen}
          columns={[
            { key: "when", label: w.when, width: "150px", cell: (entry) => <Ago at={entry.at} /> },
            {
              key: "who", label: w.who,
              cell: ({ actor }) => (
                <span className="cell-main">
                  <span>{actor.name ?? actor.email ?? (actor.kind === "system" ? w.system : actor.id)}</span>
                  <span>{actor.kind === "user" ? actor.email : w.kinds[actor.kind] ?? actor.kind}</span>
                </span>
              ),
            },
            {
              key: "what", label: w.what,
              cell: (entry) => (
                <button type="button" className="text-button" onClick={() => setOpen(entry)}>{w.actions[entry.action] ?? <code>{entry.action}</code>}</button>
              ),
            },
            { key: "on", label: w.on, cell: (entry) => <code className="break">{nameOf(entry)}</code> },
            { key: "from", label: w.from, cell: (entry) => <span className="muted">{entry.address ?? ""}</span> },
          ]}
        />
      </Section>
      {open && <EntryDialog entry={open} onClose={() => setOpen(null)} />}
    </div>
  );
}

function nameOf(entry: AuditEntry): string {
  for (const state of [entry.after, entry.before]) {
    if (typeof state === "object" && state !== null) {
      const { name, email } = state as { name?: unknown; email?: unknown };
      if (typeof name === "string") return name;
      if (typeof email === "string") return email;
    }
  }
  return entry.entity_id;
}

function EntryDialog({ entry, onClose }: { readonly entry: AuditEntry; readonly onClose: () => void }): JSX.Element {
  const state = (label: string, value: unknown) =>
    value === null || value === undefined ? null : (
      <div>
        <h3 className="field-label">{label}</h3>
        <pre className="json" tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
      </div>
    );
  return (
    <Dialog title={w.actions[entry.action] ?? entry.action} onClose={onClose}>
      <div className="stack">
        <dl className="facts">
          <dt>{w.when}</dt><dd>{dateTime(entry.at)}</dd>
          <dt>{w.who}</dt><dd>{entry.actor.name ?? entry.actor.email ?? entry.actor.id} <Badge>{w.kinds[entry.actor.kind] ?? entry.actor.kind}</Badge></dd>
          <dt>{w.on}</dt><dd><code className="break">{entry.entity} {entry.entity_id}</code></dd>
          {entry.address && <><dt>{w.from}</dt><dd>{entry.address}</dd></>}
        </dl>
        {state(w.beforeLabel, entry.before)}
        {state(w.afterLabel, entry.after)}
      </div>
    </Dialog>
  );
}
