import { fromDays } from "@emban/core";
import { useState } from "react";
import { useList } from "../api/hooks";
import type { AuditEntry, DashboardSummary, Member } from "../api/types";
import { setQuery, usePlace } from "../router";
import { useSession } from "../session";
import { ago, Badge, Button, Combo, DataTable, Dialog, Empty, exactDateTime, Field, PageHead, Section, Select, shortDateTime, TextInput } from "../ui";
import { words } from "../words";
import { isDay } from "./days";

const w = words.audit;

export function AuditPage(): JSX.Element {
  const { query } = usePlace();
  const filter = (name: string) => query.get(name) ?? "";
  const { organization } = useSession();
  const zone = organization.time_zone ?? "UTC";
  // Days are those of the organisation, and the last one is in it.
  const from = isDay(filter("from")) ? fromDays(filter("from"), filter("from"), zone).from : undefined;
  const to = isDay(filter("to")) ? fromDays(filter("to"), filter("to"), zone).to : undefined;
  const entries = useList<AuditEntry>("/v1/audit", {
    action: filter("action"), actor: filter("actor"), entity: filter("entity"), entity_id: filter("id"), from, to, limit: 50,
  });
  const members = useList<Member>("/v1/members", { limit: 200 });
  const dashboards = useList<DashboardSummary>("/v1/dashboards", { limit: 200 });
  const names = new Map([
    ...(members.rows ?? []).map(({ id, name, email }) => [id, name || email] as const), ...(dashboards.rows ?? []).map(({ id, name }) => [id, name] as const),
  ]);
  const isFiltered = ["action", "actor", "entity", "id", "from", "to"].some((name) => filter(name) !== "");
  const [open, setOpen] = useState<AuditEntry | null>(null);
  const actors = new Map((members.rows ?? []).map(({ id, name, email }) => [id, { value: id, label: name || email, note: w.kinds["user"] ?? "" }]));
  for (const { actor } of entries.rows ?? []) {
    if (!actors.has(actor.id)) actors.set(actor.id, { value: actor.id, label: actor.name ?? actor.email ?? actor.id, note: w.kinds[actor.kind] ?? actor.kind });
  }
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
              suggestions={[...actors.values()]}
            />
          )}
        </Field>
        <Field label={w.after}>{(ids) => <TextInput {...ids} type="date" max="2999-12-31" value={filter("from")} onText={(from) => setQuery({ from })} />}</Field>
        <Field label={w.before}>{(ids) => <TextInput {...ids} type="date" max="2999-12-31" value={filter("to")} onText={(to) => setQuery({ to })} />}</Field>
      </div>
      <Section flush>
        <DataTable
          label={w.title} rows={entries.rows} rowKey={(entry) => entry.id} error={entries.error} onRetry={entries.reload} more={entries.hasMore ? entries.more : null} isLoading={entries.isLoading} bones={10}
          onSelect={setOpen}
          empty={
            <Empty icon="audit" title={w.none} text={isFiltered ? w.noneText : undefined}>
              {isFiltered && <Button onClick={() => setQuery({ action: null, actor: null, entity: null, id: null, from: null, to: null })}>{w.clear}</Button>}
            </Empty>
          }
          columns={[
            { key: "when", label: w.when, width: "190px", cell: (entry) => <time dateTime={entry.at} title={ago(entry.at)}>{shortDateTime(entry.at)}</time> },
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
            { key: "on", label: w.on, cell: (entry) => <span className="break">{nameOf(entry, names)}</span> },
            { key: "from", label: w.from, cell: (entry) => <span className="muted">{entry.address ?? ""}</span> },
          ]}
        />
      </Section>
      {open && <EntryDialog entry={open} onClose={() => setOpen(null)} />}
    </div>
  );
}

function nameOf(entry: AuditEntry, names: ReadonlyMap<string, string>): string {
  for (const state of [entry.after, entry.before]) {
    if (typeof state === "object" && state !== null) {
      const { name, email } = state as { name?: unknown; email?: unknown };
      if (typeof name === "string") return name;
      if (typeof email === "string") return email;
    }
  }
  return names.get(entry.entity_id) ?? entry.entity_id;
}

function EntryDialog({ entry, onClose }: { readonly entry: AuditEntry; readonly onClose: () => void }): JSX.Element {
  const state = (label: string, value: unknown) =>
    value === null || value === undefined ? null : (
      <div>
        <h3 className="field-label">{label}</h3>
        <pre className="json" tabIndex={0} role="region" aria-label={label}>{JSON.stringify(value, null, 2)}</pre>
      </div>
    );
  return (
    <Dialog title={w.actions[entry.action] ?? entry.action} onClose={onClose}>
      <div className="stack">
        <dl className="facts">
          <dt>{w.when}</dt><dd>{exactDateTime(entry.at)}</dd>
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
