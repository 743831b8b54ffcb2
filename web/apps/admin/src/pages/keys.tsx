import { useState } from "react";
import { api } from "../api/client";
import { useAction, useList } from "../api/hooks";
import type { ApiKey } from "../api/types";
import { useSession, type Environment } from "../session";
import { Ago, Badge, Button, Code, Confirm, DataTable, Dialog, Empty, Field, Note, PageHead, Section, Segments, TextInput, useToast } from "../ui";
import { words } from "../words";

const w = words.keys;

export function KeysPage(): JSX.Element {
  const keys = useList<ApiKey>("/v1/api-keys");
  const [isNew, setNew] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const toast = useToast();
  const revoke = useAction(async (key: ApiKey) => {
    await api.delete(`/v1/api-keys/${key.id}`);
    keys.update((rows) => rows.filter((row) => row.id !== key.id));
    setRevoking(null);
    toast(w.revoked);
  });
  return (
    <div className="page">
      <PageHead title={w.title} text={w.text} actions={<Button kind="primary" icon="plus" onClick={() => setNew(true)}>{w.create}</Button>} />
      <Section flush>
        <DataTable
          label={w.title} rows={keys.rows} rowKey={(key) => key.id} error={keys.error} onRetry={keys.reload} more={keys.hasMore ? keys.more : null} isLoading={keys.isLoading}
          empty={<Empty icon="key" title={w.none} text={w.noneText}><Button kind="primary" onClick={() => setNew(true)}>{w.create}</Button></Empty>}
          columns={[
            { key: "name", label: w.name, cell: (key) => <span className="strong break">{key.name}</span> },
            { key: "prefix", label: w.key, cell: (key) => <code>{key.prefix}…</code> },
            { key: "scope", label: w.scope, cell: (key) => <Badge tone={key.scope === "admin" ? "brand" : "plain"}>{w.scopes[key.scope]}</Badge> },
            { key: "environment", label: w.environment, cell: (key) => words.shell.environments[key.environment as Environment] ?? key.environment },
            { key: "used", label: w.used, cell: (key) => (key.last_used_at ? <Ago at={key.last_used_at} /> : <span className="muted">{w.neverUsed}</span>) },
            { key: "created", label: w.created, cell: (key) => <Ago at={key.created_at} /> },
            {
              key: "actions", label: words.common.actions, hideLabel: true, numeric: true,
              cell: (key) => <Button small kind="danger" onClick={() => setRevoking(key)}>{w.revoke}</Button>,
            },
          ]}
        />
      </Section>
      {isNew && <NewKey onClose={() => setNew(false)} onMade={keys.reload} />}
      {revoking && (
        <Confirm
          title={w.revokeTitle(revoking.name)} text={w.revokeText} action={w.revoke} busy={revoke.isBusy} error={revoke.error?.message}
          onConfirm={() => revoke.run(revoking)} onClose={() => setRevoking(null)}
        />
      )}
    </div>
  );
}

/** A form, and then the key: it is shown this once. */
export function NewKey({ onClose, onMade, name: initialName = "" }: {
  readonly onClose: () => void; readonly onMade: (key: ApiKey) => void; readonly name?: string;
}): JSX.Element {
  const { environment: current } = useSession();
  const [name, setName] = useState(initialName);
  const [scope, setScope] = useState<"admin" | "ingest">("admin");
  const [environment, setEnvironment] = useState<Environment>(current);
  const [made, setMade] = useState<ApiKey | null>(null);
  const { run, isBusy, error } = useAction(async () => {
    const key = await api.post<ApiKey>("/v1/api-keys", { name: name.trim(), scope, environment });
    setMade(key);
    onMade(key);
  });
  if (made?.key) {
    return (
      <Dialog title={w.shownOnce} onClose={onClose} keep footer={<Button kind="primary" onClick={onClose}>{w.stored}</Button>}>
        <div className="stack">
          <Note tone="warn">{w.shownOnceText}</Note>
          <Code text={made.key} label={w.key} wrap />
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={w.create} onClose={onClose} busy={isBusy}
      footer={
        <>
          <Button disabled={isBusy} onClick={onClose}>{words.common.cancel}</Button>
          <Button kind="primary" type="submit" form="new-key" busy={isBusy} disabled={name.trim() === ""}>{w.make}</Button>
        </>
      }
    >
      <form
        id="new-key" className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <Field label={w.name} hint={w.nameHint} error={error?.of("name")}>
          {(ids) => <TextInput {...ids} value={name} onText={setName} maxLength={200} autoFocus />}
        </Field>
        <Field label={w.scope} isGroup hint={w.scopeHints[scope]} error={error?.of("scope")}>
          {() => (
            <Segments
              label={w.scope} value={scope} onPick={setScope}
              options={[{ value: "admin", label: w.scopes.admin }, { value: "ingest", label: w.scopes.ingest }]}
            />
          )}
        </Field>
        <Field label={w.environment} isGroup hint={w.environmentHint} error={error?.of("environment")}>
          {() => (
            <Segments<Environment>
              label={w.environment} value={environment} onPick={setEnvironment}
              options={[{ value: "production", label: words.shell.environments.production }, { value: "development", label: words.shell.environments.development }]}
            />
          )}
        </Field>
        {error && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
      </form>
    </Dialog>
  );
}
