import { Fragment, useState } from "react";
import { api } from "../api/client";
import { useAction, useList } from "../api/hooks";
import type { Invite, Member, Role } from "../api/types";
import { useSession } from "../session";
import { Ago, Badge, Button, Code, Confirm, DataTable, date, Dialog, Empty, Field, Menu, PageHead, Section, Select, TextInput, useFailure, useToast } from "../ui";
import { words } from "../words";

const w = words.members;
const roles = words.shell.roles;

export function MembersPage(): JSX.Element {
  const { can, user } = useSession();
  const isTeam = can("admin");
  const members = useList<Member>("/v1/members");
  const invites = useList<Invite>(isTeam ? "/v1/invites" : null);
  const [isInviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const [shown, setShown] = useState<Invite | null>(null);
  const toast = useToast();
  const fail = useFailure();
  const remove = useAction(async (member: Member) => {
    await api.delete(`/v1/members/${member.id}`);
    members.update((rows) => rows.filter((row) => row.id !== member.id));
    setRemoving(null);
    toast(w.removed);
  });
  const [raising, setRaising] = useState<Member | null>(null);
  // One after the other, in the order in which they were chosen.
  const give = useAction(async (member: Member, role: Role) => {
    try {
      const changed = await api.patch<Member>(`/v1/members/${member.id}`, { role });
      members.update((rows) => rows.map((row) => (row.id === member.id ? changed : row)));
      toast(w.roleChanged);
    } catch (error) {
      fail(error);
    }
    setRaising(null);
  });
  // An arrow key on the list is a choice already: nobody becomes an admin by the way.
  const setRole = (member: Member, role: Role) => (role === "admin" ? setRaising(member) : give.run(member, role));
  const renew = (invite: Invite) => {
    api.post<Invite>(`/v1/invites/${invite.id}/resend`).then((fresh) => {
      invites.reload();
      if (fresh.link) setShown(fresh);
      else toast(w.sent(fresh.email));
    }, fail);
  };
  const withdraw = (invite: Invite) => {
    api.delete(`/v1/invites/${invite.id}`).then(() => {
      invites.update((rows) => rows.filter((row) => row.id !== invite.id));
      toast(w.withdrawn);
    }, fail);
  };
  const mayRemove = (member: Member) => member.id !== user.id && member.role !== "owner" && (can("owner") || (isTeam && member.role !== "admin"));
  return (
    <div className="page">
      <PageHead title={w.title} text={w.text} actions={isTeam && <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>{w.invite}</Button>} />
      <Section flush>
        <DataTable
          label={w.title} rows={members.rows} rowKey={(member) => member.id} error={members.error} onRetry={members.reload} more={members.hasMore ? members.more : null} isLoading={members.isLoading} bones={3}
          empty={<Empty icon="members" title={w.alone} text={w.aloneText} />}
          columns={[
            {
              key: "person", label: w.person,
              cell: (member) => (
                <span className="row">
                  <span className="avatar" aria-hidden="true">{(member.name || member.email).slice(0, 1)}</span>
                  <span className="cell-main">
                    <span>{member.name || member.email} {member.id === user.id && <Badge>{w.you}</Badge>}</span>
                    <span className="break">{member.email}</span>
                  </span>
                </span>
              ),
            },
            {
              key: "role", label: w.role, width: "180px",
              cell: (member) =>
                can("owner") && member.role !== "owner" ? (
                  <Select<Role>
                    className="small" aria-label={`${w.role}: ${member.name || member.email}`} value={member.role} disabled={give.isBusy} onPick={(role) => setRole(member, role)}
                    options={(["admin", "editor", "member"] as const).map((role) => ({ value: role, label: roles[role] }))}
                  />
                ) : (
                  <span title={w.roleHints[member.role]}>{roles[member.role]}</span>
                ),
            },
            {
              key: "seen", label: w.seen,
              cell: (member) => (member.last_seen_at ? <Ago at={member.last_seen_at} /> : <span className="muted">{words.common.never}</span>),
            },
            { key: "joined", label: w.joined, cell: (member) => date(member.created_at) },
            ...(isTeam
              ? [{
                  key: "actions", label: words.common.actions, hideLabel: true,
                  cell: (member: Member) => (mayRemove(member) ? <Menu label={`${words.common.actions}: ${member.email}`} items={[{ label: w.remove, icon: "trash", danger: true, run: () => setRemoving(member) }]} /> : null),
                }]
              : []),
          ]}
        />
      </Section>
      {isTeam && invites.rows !== null && invites.rows.length > 0 && (
        <Section title={w.pending} flush>
          <DataTable
            label={w.pending} rows={invites.rows} rowKey={(invite) => invite.id} empty={null} more={invites.hasMore ? invites.more : null}
            columns={[
              { key: "email", label: w.email, cell: (invite) => <span className="strong break">{invite.email}</span> },
              { key: "role", label: w.role, cell: (invite) => roles[invite.role] ?? invite.role },
              { key: "expires", label: w.expires, cell: (invite) => <Ago at={invite.expires_at} /> },
              {
                key: "actions", label: words.common.actions, hideLabel: true, numeric: true,
                cell: (invite) => (
                  <Menu
                    label={`${words.common.actions}: ${invite.email}`}
                    items={[{ label: w.resend, icon: "refresh", run: () => renew(invite) }, { label: w.withdraw, icon: "trash", danger: true, run: () => withdraw(invite) }]}
                  />
                ),
              },
            ]}
          />
        </Section>
      )}
      <Section title={w.rolesTitle} text={isTeam ? w.rolesText : w.invitedBy}>
        <dl className="facts">
          {(["owner", "admin", "editor", "member"] as const).map((role) => (
            <Fragment key={role}>
              <dt>{roles[role]}</dt>
              <dd>{w.roleHints[role]}</dd>
            </Fragment>
          ))}
        </dl>
      </Section>
      {isInviting && (
        <InviteDialog
          onClose={() => setInviting(false)}
          onSent={(invite) => {
            setInviting(false);
            invites.reload();
            if (invite.link) setShown(invite);
            else toast(w.sent(invite.email));
          }}
        />
      )}
      {shown?.link && (
        <Dialog title={w.linkTitle} onClose={() => setShown(null)} keep footer={<Button kind="primary" onClick={() => setShown(null)}>{words.common.done}</Button>}>
          <div className="stack">
            <p>{w.linkText(shown.email)}</p>
            <Code text={shown.link} label={w.linkTitle} wrap />
          </div>
        </Dialog>
      )}
      {raising && (
        <Confirm
          title={w.raiseTitle(raising.name || raising.email)} text={w.roleHints.admin} action={w.raise} kind="primary" busy={give.isBusy}
          onConfirm={() => give.run(raising, "admin")} onClose={() => setRaising(null)}
        />
      )}
      {removing && (
        <Confirm
          title={w.removeTitle(removing.name || removing.email)} text={w.removeText} action={w.remove} busy={remove.isBusy}
          error={remove.error?.message} onConfirm={() => remove.run(removing)} onClose={() => setRemoving(null)}
        />
      )}
    </div>
  );
}

function InviteDialog({ onClose, onSent }: { readonly onClose: () => void; readonly onSent: (invite: Invite) => void }): JSX.Element {
  const { can } = useSession();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const { run, isBusy, error } = useAction(async () => onSent(await api.post<Invite>("/v1/members/invite", { email: email.trim(), role })));
  const offered: readonly Role[] = can("owner") ? ["admin", "editor", "member"] : ["editor", "member"];
  return (
    <Dialog
      title={w.inviteTitle} size="small" onClose={onClose} busy={isBusy}
      footer={
        <>
          <Button disabled={isBusy} onClick={onClose}>{words.common.cancel}</Button>
          <Button kind="primary" type="submit" form="invite" busy={isBusy} disabled={email.trim() === ""}>{w.send}</Button>
        </>
      }
    >
      <form
        id="invite" className="stack" noValidate
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <Field label={w.email} error={error?.of("email") ?? (error && error.details.length === 0 ? error.message : null)}>
          {(ids) => <TextInput {...ids} type="email" value={email} onText={setEmail} autoFocus />}
        </Field>
        <Field label={w.role} hint={w.roleHints[role]} error={error?.of("role")}>
          {(ids) => <Select<Role> {...ids} value={role} onPick={setRole} options={offered.map((one) => ({ value: one, label: roles[one] }))} />}
        </Field>
      </form>
    </Dialog>
  );
}
