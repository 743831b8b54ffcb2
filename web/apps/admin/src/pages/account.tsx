import { useState } from "react";
import { api } from "../api/client";
import { useAction, useGet } from "../api/hooks";
import type { ConsoleSession, Page } from "../api/types";
import type { Person } from "../app";
import { useSession } from "../session";
import { Ago, Badge, Button, Confirm, DataTable, Field, Note, PageHead, PasswordInput, Section, TextInput, useFailure, useToast } from "../ui";
import { words } from "../words";

const w = words.account;

export function AccountPage(): JSX.Element {
  return (
    <div className="page narrow">
      <PageHead title={w.title} text={w.text} />
      <Profile />
      <Password />
      <Sessions />
      <Leave />
    </div>
  );
}

function Profile(): JSX.Element {
  const { user, setPerson } = useSession();
  const [name, setName] = useState(user.name);
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    setPerson(await api.patch<Person>("/v1/auth/me", { name: name.trim() }));
    toast(w.nameSaved);
  });
  return (
    <Section title={w.profile}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <div className="columns-2">
          <Field label={words.gate.name} error={error?.of("name") ?? (error && error.details.length === 0 ? error.message : null)}>
            {(ids) => <TextInput {...ids} value={name} onText={setName} autoComplete="name" />}
          </Field>
          <Field label={words.gate.email}>{(ids) => <TextInput {...ids} value={user.email} onText={() => undefined} readOnly />}</Field>
        </div>
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={isBusy} disabled={name.trim() === user.name || name.trim() === ""}>{words.common.save}</Button>
        </div>
      </form>
    </Section>
  );
}

function Password(): JSX.Element {
  const { user } = useSession();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    await api.post("/v1/auth/password", { current_password: current, password });
    setCurrent("");
    setPassword("");
    toast(w.changed);
  });
  return (
    <Section title={w.password} text={w.passwordText}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <input className="sr" type="text" value={user.email} autoComplete="username" readOnly tabIndex={-1} aria-label={words.gate.email} />
        <div className="columns-2">
          <Field label={w.current} error={error?.code === "invalid_credentials" ? w.wrong : error?.of("current_password")}>
            {(ids) => <PasswordInput {...ids} value={current} onText={setCurrent} autoComplete="current-password" />}
          </Field>
          <Field label={words.gate.newPassword} hint={words.gate.passwordHint} error={error?.of("password")}>
            {(ids) => <PasswordInput {...ids} value={password} onText={setPassword} autoComplete="new-password" />}
          </Field>
        </div>
        {error && error.code !== "invalid_credentials" && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
        <div className="form-actions"><Button kind="primary" type="submit" busy={isBusy} disabled={current === "" || password === ""}>{w.change}</Button></div>
      </form>
    </Section>
  );
}

function Sessions(): JSX.Element {
  const { organization, organizations, leave } = useSession();
  const { data, error, reload } = useGet<Page<ConsoleSession>>("/v1/auth/sessions");
  const [isAsking, setAsking] = useState(false);
  const names = new Map(organizations.map(({ id, name }) => [id, name]));
  const toast = useToast();
  const fail = useFailure();
  const end = (session: ConsoleSession) => {
    api.delete(`/v1/auth/sessions/${session.id}`).then(() => {
      toast(w.ended);
      reload();
    }, fail);
  };
  const others = useAction(async () => {
    await api.delete("/v1/auth/sessions", { query: { keep_current: true } });
    toast(w.endedOthers);
    reload();
  });
  const everywhere = useAction(async () => {
    await api.delete("/v1/auth/sessions");
    toast(w.endedAll);
    leave();
  });
  return (
    <Section
      flush title={w.sessions} text={w.sessionsText}
      actions={
        <>
          {(data?.data.length ?? 0) > 1 && <Button small busy={others.isBusy} onClick={others.run}>{w.endOthers}</Button>}
          <Button small kind="danger" onClick={() => setAsking(true)}>{w.endAll}</Button>
        </>
      }
    >
      {isAsking && (
        <Confirm
          title={w.endAll} text={w.endAllText} action={w.endAll} busy={everywhere.isBusy} error={everywhere.error?.message} onConfirm={everywhere.run}
          onClose={() => setAsking(false)}
        />
      )}
      <DataTable
        label={w.sessions} rows={data?.data ?? null} rowKey={(session) => session.id} error={error} onRetry={reload} empty={null} bones={2}
        columns={[
          {
            key: "device", label: w.device,
            cell: (session) => (
              <span className="row wrap">
                <span className="strong">{deviceOf(session.user_agent)}</span>
                {session.organization_id !== organization.id && <span className="muted small">{w.otherOrganization(names.get(session.organization_id) ?? session.organization_id)}</span>}
                {session.current && <Badge tone="good">{w.thisSession}</Badge>}
              </span>
            ),
          },
          { key: "address", label: w.address, cell: (session) => <span className="muted">{session.address ?? ""}</span> },
          { key: "seen", label: w.lastSeen, cell: (session) => <Ago at={session.last_seen_at} /> },
          {
            key: "actions", label: words.common.actions, hideLabel: true, numeric: true,
            cell: (session) => (session.current ? null : <Button small kind="danger" onClick={() => end(session)}>{w.end}</Button>),
          },
        ]}
      />
    </Section>
  );
}

/** "Firefox on Linux": enough to recognise one's own. */
export function deviceOf(agent: string | null): string {
  if (!agent) return w.unknownDevice;
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"], ["curl/", "curl"]].find(([mark = ""]) => agent.includes(mark))?.[1];
  const system = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Mac OS", "macOS"], ["Windows", "Windows"], ["Linux", "Linux"]].find(([mark = ""]) => agent.includes(mark))?.[1];
  return [browser, system].filter(Boolean).join(" · ") || w.unknownDevice;
}

function Leave(): JSX.Element {
  const { organization, user, leave } = useSession();
  const [isOpen, setOpen] = useState(false);
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    await api.post("/v1/members/leave");
    toast(w.left(organization.name));
    leave();
  });
  const isOwner = user.role === "owner";
  return (
    <>
      <Section
        danger title={w.leave} text={isOwner ? w.owner : w.leaveText(organization.name)}
        actions={<Button kind="danger" disabled={isOwner} onClick={() => setOpen(true)}>{w.leave}</Button>}
      />
      {isOpen && (
        <Confirm
          title={w.leave} text={w.leaveText(organization.name)} action={w.leave} busy={isBusy} error={error?.message} onConfirm={run}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
