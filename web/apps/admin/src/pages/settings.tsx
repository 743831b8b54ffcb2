import type { Theme } from "@emban/core";
import { useEffect, useMemo, useState, type KeyboardEvent } from "react";
import { api } from "../api/client";
import { useAction, useGet, useList } from "../api/hooks";
import type { Member, Organization } from "../api/types";
import { ThemeEditor } from "../builder/theme-editor";
import { useSession } from "../session";
import {
  Bones, Button, Combo, Confirm, count, Dialog, ErrorNote, Field, IconButton, Note, PageHead, PasswordInput, Section, Select, Switch, TextInput, useToast, wholeOf,
} from "../ui";
import { words } from "../words";

const w = words.settings;

/** All zones that this browser knows. */
export function timeZones(): readonly string[] {
  const known = (Intl as unknown as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf;
  return known ? known("timeZone") : [Intl.DateTimeFormat().resolvedOptions().timeZone];
}

export function SettingsPage(): JSX.Element {
  const { organization, setOrganization, can } = useSession();
  const loaded = useGet<Organization>("/v1/organization");
  const toast = useToast();
  const save = async (changes: Readonly<Record<string, unknown>>) => {
    const answer = await api.patch<Organization>("/v1/organization", changes);
    loaded.set(answer);
    setOrganization({ ...organization, ...answer });
    toast(w.saved);
  };
  const { data } = loaded;
  return (
    <div className="page narrow">
      <PageHead title={w.title} text={w.text} />
      {loaded.error && !data && <ErrorNote error={loaded.error} onRetry={loaded.reload} />}
      {!data && !loaded.error && <Section><Bones rows={4} /></Section>}
      {data && (
        <>
          <General organization={data} save={save} />
          <Origins organization={data} save={save} />
          <Branding organization={data} save={save} />
          <Retention organization={data} save={save} />
          {can("owner") && <Transfer />}
          {can("owner") && <Deletion />}
        </>
      )}
    </div>
  );
}

interface PartProps {
  readonly organization: Organization;
  readonly save: (changes: Readonly<Record<string, unknown>>) => Promise<void>;
}

/** How far a zone is from UTC now. */
function offsetOf(zone: string): string {
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts(new Date());
  return parts.find(({ type }) => type === "timeZoneName")?.value.replace("GMT", "UTC") ?? "";
}

function General({ organization, save }: PartProps): JSX.Element {
  const [name, setName] = useState(organization.name);
  const [zone, setZone] = useState(organization.time_zone ?? "");
  const zones = useMemo(() => timeZones().map((value) => ({ value, note: offsetOf(value) })), []);
  const knowsZone = organization.time_zone !== undefined;
  const { run, isBusy, error } = useAction(async () => {
    await save({ ...(name.trim() !== organization.name && { name: name.trim() }), ...(knowsZone && zone !== (organization.time_zone ?? "") && { time_zone: zone === "" ? null : zone }) });
  });
  const isChanged = name.trim() !== organization.name || zone !== (organization.time_zone ?? "");
  return (
    <Section title={w.general}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <Field label={w.name} error={error?.of("name") ?? (error && error.details.length === 0 ? error.message : null)}>
          {(ids) => <TextInput {...ids} value={name} onText={setName} maxLength={200} />}
        </Field>
        <Field label={w.zone} hint={w.zoneHint} error={error?.of("time_zone")}>
          {(ids) => (
            <Combo
              ids={ids} strict clearable value={zone} onPick={setZone} suggestions={zones} placeholder={w.utc}
              disabled={!knowsZone}
            />
          )}
        </Field>
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={isBusy} disabled={!isChanged || name.trim() === ""}>{words.common.save}</Button>
        </div>
      </form>
    </Section>
  );
}

function Origins({ organization, save }: PartProps): JSX.Element {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const origins = organization.allowed_origins;
  const { run, isBusy, error } = useAction(async (change: (origins: readonly string[]) => readonly string[]) => {
    // The list is sent whole: to the one that holds now, not to the one that was read when the page was opened.
    const { allowed_origins } = await api.get<Organization>("/v1/organization");
    await save({ allowed_origins: change(allowed_origins) });
    setText("");
  });
  const add = () => {
    const origin = originOf(text);
    if (origin === null) setProblem(w.originInvalid);
    else if (origins.includes(origin)) setProblem(w.originKnown);
    else run((others) => [...others.filter((one) => one !== origin), origin]);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  return (
    <Section title={w.origins} text={w.originsText}>
      <div className="stack">
        {origins.length > 0 ? (
          <ul className="rows">
            {origins.map((origin) => (
              <li key={origin}>
                <code className="break">{origin}</code>
                <IconButton
                  icon="trash" label={`${words.common.remove}: ${origin}`} disabled={isBusy}
                  onClick={() => run((all) => all.filter((one) => one !== origin))}
                />
              </li>
            ))}
          </ul>
        ) : (
          <p className="muted small">{w.noOrigins}</p>
        )}
        <Field label={w.addOrigin} hideLabel error={problem ?? error?.of("allowed_origins") ?? (error && error.details.length === 0 ? error.message : null)}>
          {(ids) => (
            <span className="row">
              <TextInput
                {...ids} className="grow" mono value={text} placeholder={w.originPlaceholder} onKeyDown={key}
                onText={(next) => {
                  setText(next);
                  setProblem(null);
                }}
              />
              <Button busy={isBusy} disabled={text.trim() === ""} onClick={add}>{w.addOrigin}</Button>
            </span>
          )}
        </Field>
      </div>
    </Section>
  );
}

/** Scheme and host of an address; null for what is none. */
export function originOf(text: string): string | null {
  try {
    const url = new URL(text.trim());
    const isBare = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
    return isBare && (url.protocol === "https:" || url.protocol === "http:") ? url.origin : null;
  } catch {
    return null;
  }
}

function Branding({ organization, save }: PartProps): JSX.Element | null {
  const [theme, setTheme] = useState<Theme | null>(organization.branding ?? null);
  const { run, isBusy, error } = useAction(async () => save({ branding: theme }));
  // By what it says: each answer brings another object, and what is edited here stays when another part is saved.
  useEffect(() => setTheme(organization.branding ?? null), [JSON.stringify(organization.branding)]);
  if (organization.branding === undefined) return null;
  const isChanged = JSON.stringify(theme) !== JSON.stringify(organization.branding ?? null);
  return (
    <Section
      title={w.branding} text={w.brandingText}
      actions={theme ? <Button small kind="quiet" onClick={() => setTheme(null)}>{w.brandingRemove}</Button> : <Button small onClick={() => setTheme({})}>{w.brandingUse}</Button>}
    >
      <div className="stack">
        {theme ? <ThemeEditor theme={theme} onChange={setTheme} problemOf={(field) => error?.of(`branding.${field}`) ?? null} wide /> : <p className="muted small">{w.brandingNone}</p>}
        {error && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
        {(theme || isChanged) && <div className="form-actions"><Button kind="primary" busy={isBusy} disabled={!isChanged} onClick={run}>{words.common.save}</Button></div>}
      </div>
    </Section>
  );
}

function Retention({ organization, save }: PartProps): JSX.Element {
  const kept = organization.retention_days ?? null;
  const [typed, setTyped] = useState<string | null>(kept === null ? null : String(kept));
  const [isAsking, setAsking] = useState(false);
  useEffect(() => setTyped(kept === null ? null : String(kept)), [kept]);
  const days = typed === null ? null : wholeOf(typed) ?? null;
  const isNone = typed !== null && days === null;
  const { run, isBusy, error, clear } = useAction(async () => {
    await save({ retention_days: days });
    setAsking(false);
  });
  const isShorter = days !== null && days > 0 && (kept === null || days < kept);
  const first = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000 - (days ?? 0) * 86_400_000);
  const problem = error?.of("retention_days") ?? (typed !== null && wholeOf(typed) === null ? words.common.notWhole : null);
  return (
    <Section title={w.retention} text={w.retentionText}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          clear();
          if (isShorter) setAsking(true);
          else run();
        }}
      >
        <Switch label={w.forever} on={typed === null} onToggle={(on) => setTyped(on ? null : String(kept ?? 400))} />
        {typed !== null && (
          <Field label={w.days} error={problem}>
            {(ids) => <TextInput {...ids} className="short" inputMode="numeric" value={typed} onText={setTyped} maxLength={20} />}
          </Field>
        )}
        {error && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
        <div className="form-actions"><Button kind="primary" type="submit" busy={isBusy} disabled={isNone || days === kept}>{words.common.save}</Button></div>
      </form>
      {isAsking && days !== null && (
        <Confirm
          title={w.retentionTitle(count(days))} action={w.retentionAction} busy={isBusy} error={error?.of("retention_days") ?? error?.message} onConfirm={run} onClose={() => setAsking(false)}
          text={w.retentionWarning(first.toLocaleDateString(undefined, { dateStyle: "medium", timeZone: "UTC" }))}
        />
      )}
    </Section>
  );
}

function Transfer(): JSX.Element {
  const { user } = useSession();
  const members = useList<Member>("/v1/members", { limit: 200 }, { all: true });
  const [isOpen, setOpen] = useState(false);
  const [member, setMember] = useState("");
  const [password, setPassword] = useState("");
  const toast = useToast();
  const others = (members.rows ?? []).filter(({ id }) => id !== user.id);
  const { run, isBusy, error } = useAction(async () => {
    await api.post("/v1/organization/transfer", { member_id: member, password });
    toast(w.transferred);
    location.assign("/app");
  });
  return (
    <>
      <Section
        danger title={w.transfer} text={members.rows !== null && others.length === 0 ? w.transferNobody : w.transferText}
        actions={<Button kind="danger" disabled={others.length === 0} onClick={() => setOpen(true)}>{w.transfer}</Button>}
      />
      {isOpen && (
        <Dialog
          title={w.transfer} size="small" onClose={() => setOpen(false)}
          footer={
            <>
              <Button onClick={() => setOpen(false)}>{words.common.cancel}</Button>
              <Button kind="danger" busy={isBusy} disabled={member === "" || password === ""} onClick={run}>{w.transferAction}</Button>
            </>
          }
        >
          <div className="stack">
            <Field label={w.transferTo} error={error?.of("member_id")}>
              {(ids) => (
                <Select
                  {...ids} value={member} onPick={setMember}
                  options={[{ value: "", label: "" }, ...others.map(({ id, name, email }) => ({ value: id, label: name ? `${name} (${email})` : email }))]}
                />
              )}
            </Field>
            <Field label={w.password} error={error?.code === "invalid_credentials" ? words.account.wrong : error?.of("password")}>
              {(ids) => <PasswordInput {...ids} value={password} onText={setPassword} autoComplete="current-password" />}
            </Field>
            {error && error.code !== "invalid_credentials" && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
          </div>
        </Dialog>
      )}
    </>
  );
}

/** The end of the organisation: its name and the password are asked for, since nothing brings it back. */
function Deletion(): JSX.Element {
  const { organization, leave } = useSession();
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const [password, setPassword] = useState("");
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    await api.delete("/v1/organization", { body: { password } });
    toast(w.deleted(organization.name));
    leave();
  });
  return (
    <>
      <Section danger title={w.delete} text={w.deleteText} actions={<Button kind="danger" onClick={() => setOpen(true)}>{w.delete}</Button>} />
      {isOpen && (
        <Dialog
          title={w.deleteTitle(organization.name)} size="small" onClose={() => setOpen(false)}
          footer={
            <>
              <Button onClick={() => setOpen(false)}>{words.common.cancel}</Button>
              <Button kind="danger" type="submit" form="delete-organization" busy={isBusy} disabled={typed.trim() !== organization.name || password === ""}>{w.deleteAction}</Button>
            </>
          }
        >
          <form
            id="delete-organization" className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              run();
            }}
          >
            <p>{w.deleteWarning}</p>
            <Field label={words.common.typeToConfirm(organization.name)}>
              {(ids) => <TextInput {...ids} value={typed} onText={setTyped} spellCheck={false} />}
            </Field>
            <Field label={w.password} error={error?.code === "invalid_credentials" ? words.account.wrong : error?.of("password")}>
              {(ids) => <PasswordInput {...ids} value={password} onText={setPassword} autoComplete="current-password" />}
            </Field>
            {error && error.code !== "invalid_credentials" && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
          </form>
        </Dialog>
      )}
    </>
  );
}
