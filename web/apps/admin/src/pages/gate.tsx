import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { api, ApiError } from "../api/client";
import { useAction, useLoad } from "../api/hooks";
import type { Role } from "../api/types";
import type { Person } from "../app";
import { Link, navigate, usePlace } from "../router";
import { chosenEnvironment, firstKey } from "../session";
import { Button, Code, ErrorNote, Field, Logo, Note, PasswordInput, TextInput, useTitle, useToast } from "../ui";
import { words } from "../words";
import { GateScene } from "./gate-scene";

const w = words.gate;

interface Enter {
  readonly onEnter: (person: Person) => void;
}

function Gate({ title, text, children }: { readonly title: string; readonly text?: ReactNode; readonly children: ReactNode }): JSX.Element {
  useTitle(title);
  return (
    <div className="gate">
      <main className="gate-form">
        <div className="gate-box">
          <div className="gate-brand">
            <Logo size={28} />
            {words.common.product}
          </div>
          <div>
            <h1>{title}</h1>
            {text && <p>{text}</p>}
          </div>
          {children}
        </div>
      </main>
      <aside className="gate-show" aria-hidden="true">
        <GateScene />
      </aside>
    </div>
  );
}

function submit(action: () => void): (event: FormEvent) => void {
  return (event) => {
    event.preventDefault();
    action();
  };
}

/** What stands above the form when no field is to blame. */
function FormError({ error, fields }: { readonly error: ApiError | null; readonly fields: readonly string[] }): JSX.Element | null {
  if (error?.code === "no_organization") {
    return (
      <Note tone="warn" title={w.homeless.title} actions={<Link to="/register" className="button small">{w.homeless.action}</Link>}>
        {w.homeless.text}
      </Note>
    );
  }
  if (!error || error.code === "email_taken" || fields.some((field) => error.of(field) !== null)) return null;
  return <Note tone="bad">{w.errors[error.code] ?? error.message}</Note>;
}

function withNext(path: string): string {
  const next = new URLSearchParams(location.search).get("next");
  return next ? `${path}?next=${encodeURIComponent(next)}` : path;
}

export function RegisterPage({ onEnter }: Enter): JSX.Element {
  const [form, setForm] = useState({ email: "", password: "", name: "", organization: "" });
  const put = (field: keyof typeof form) => (text: string) => setForm({ ...form, [field]: text });
  const { run, isBusy, error } = useAction(async () => {
    const { email, password, name, organization } = form;
    const answer = await api.post<Person & { api_key: string }>("/v1/auth/register", {
      email: email.trim(), password, ...(name.trim() !== "" && { name: name.trim() }), ...(organization.trim() !== "" && { organization: organization.trim() }),
    });
    firstKey.set(answer.organization.id, "production", answer.api_key);
    chosenEnvironment.set("production");
    onEnter(answer);
  });
  const taken = error?.code === "email_taken" ? w.errors["email_taken"] : null;
  return (
    <Gate title={w.register.title} text={w.register.text}>
      <form onSubmit={submit(run)} noValidate>
        <FormError error={error} fields={["email", "password", "name", "organization"]} />
        <Field label={w.organization} hint={w.organizationHint} error={error?.of("organization")} optional>
          {(ids) => <TextInput {...ids} value={form.organization} onText={put("organization")} autoComplete="organization" autoFocus />}
        </Field>
        <Field label={w.name} error={error?.of("name")} optional>
          {(ids) => <TextInput {...ids} value={form.name} onText={put("name")} autoComplete="name" />}
        </Field>
        <Field label={w.email} error={taken ?? error?.of("email")}>
          {(ids) => <TextInput {...ids} type="email" value={form.email} onText={put("email")} autoComplete="email" />}
        </Field>
        <Field label={w.password} hint={w.passwordHint} error={error?.of("password")}>
          {(ids) => <PasswordInput {...ids} value={form.password} onText={put("password")} autoComplete="new-password" />}
        </Field>
        <Button kind="primary" type="submit" busy={isBusy}>{w.register.action}</Button>
      </form>
      <p className="gate-links">
        {w.register.other} <Link to={withNext("/login")}>{w.register.link}</Link>
      </p>
    </Gate>
  );
}

export function LoginPage({ onEnter }: Enter): JSX.Element {
  const { query } = usePlace();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { run, isBusy, error } = useAction(async () => {
    onEnter(await api.post<Person>("/v1/auth/login", { email: email.trim(), password }));
  });
  return (
    <Gate title={w.login.title} text={query.has("next") ? w.signedOut : w.login.text}>
      <form onSubmit={submit(run)} noValidate>
        <FormError error={error} fields={["email", "password"]} />
        <Field label={w.email} error={error?.of("email")}>
          {(ids) => <TextInput {...ids} type="email" value={email} onText={setEmail} autoComplete="username" autoFocus />}
        </Field>
        <Field label={w.password} aside={<Link to="/forgot">{w.login.forgot}</Link>} error={error?.of("password")}>
          {(ids) => <PasswordInput {...ids} value={password} onText={setPassword} autoComplete="current-password" />}
        </Field>
        <Button kind="primary" type="submit" busy={isBusy}>{w.login.action}</Button>
      </form>
      <p className="gate-links">
        {w.login.other} <Link to={withNext("/register")}>{w.login.link}</Link>
      </p>
    </Gate>
  );
}

export function ForgotPage(): JSX.Element {
  const [email, setEmail] = useState("");
  const [delivery, setDelivery] = useState<"mail" | "operator" | null>(null);
  const { run, isBusy, error } = useAction(async () => {
    const answer = await api.post<{ delivery: "mail" | "operator" }>("/v1/auth/password/forgot", { email: email.trim() });
    setDelivery(answer.delivery);
  });
  const back = <p className="gate-links"><Link to="/login">{w.forgot.back}</Link></p>;
  if (delivery === "mail") return <Gate title={w.forgot.sent} text={w.forgot.sentText(email.trim())}>{back}</Gate>;
  if (delivery === "operator") {
    return (
      <Gate title={w.forgot.operator} text={w.forgot.operatorText}>
        <Code text={w.forgot.operatorCommand(email.trim())} label={w.forgot.operatorText} wrap />
        {back}
      </Gate>
    );
  }
  return (
    <Gate title={w.forgot.title} text={w.forgot.text}>
      <form onSubmit={submit(run)} noValidate>
        <FormError error={error} fields={["email"]} />
        <Field label={w.email} error={error?.of("email")}>
          {(ids) => <TextInput {...ids} type="email" value={email} onText={setEmail} autoComplete="username" autoFocus />}
        </Field>
        <Button kind="primary" type="submit" busy={isBusy}>{w.forgot.action}</Button>
      </form>
      {back}
    </Gate>
  );
}

/** The token behind the `#`, which then leaves the address bar; also that of a second link in the same tab, which loads no page. */
function useLinkToken(): string {
  const [token, setToken] = useState(() => new URLSearchParams(location.hash.slice(1)).get("token") ?? "");
  useEffect(() => {
    const take = () => {
      const found = new URLSearchParams(location.hash.slice(1)).get("token");
      if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
      if (found) setToken(found);
    };
    take();
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);
  return token;
}

/** A new password ends all sessions of the person: `onDone` leaves the one of this browser, too. */
export function ResetPage({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const token = useLinkToken();
  return <Reset key={token} token={token} onDone={onDone} />;
}

function Reset({ token, onDone }: { readonly token: string; readonly onDone: () => void }): JSX.Element {
  const toast = useToast();
  const [password, setPassword] = useState("");
  const { run, isBusy, error } = useAction(async () => {
    await api.post("/v1/auth/password/reset", { token, password });
    toast(w.reset.done);
    onDone();
  });
  const isInvalid = token === "" || error?.code === "reset_link_invalid";
  return (
    <Gate title={w.reset.title} text={w.reset.text}>
      {isInvalid ? (
        <>
          <Note tone="bad">{w.reset.invalid}</Note>
          <Button kind="primary" onClick={() => navigate("/forgot")}>{w.forgot.action}</Button>
        </>
      ) : (
        <form onSubmit={submit(run)} noValidate>
          <FormError error={error} fields={["password"]} />
          <Field label={w.newPassword} hint={w.passwordHint} error={error?.of("password")}>
            {(ids) => <PasswordInput {...ids} value={password} onText={setPassword} autoComplete="new-password" autoFocus />}
          </Field>
          <Button kind="primary" type="submit" busy={isBusy}>{w.reset.action}</Button>
        </form>
      )}
      <p className="gate-links"><Link to="/login">{w.forgot.back}</Link></p>
    </Gate>
  );
}

interface Invitation {
  readonly organization: { readonly name: string };
  readonly email: string;
  readonly role: Role;
  readonly has_account: boolean;
}

export function InvitePage({ onEnter }: Enter): JSX.Element {
  const token = useLinkToken();
  const { data: invitation, error: problem, reload } = useLoad<Invitation>(async (signal) => {
    if (token === "") throw new ApiError(404, "invite_invalid", w.invite.invalid);
    return api.post<Invitation>("/v1/auth/invite", { token }, { signal });
  }, [token], token);
  const [form, setForm] = useState({ password: "", name: "" });
  const { run, isBusy, error } = useAction(async () => {
    const name = form.name.trim();
    onEnter(await api.post<Person>("/v1/auth/invite/accept", { token, password: form.password, ...(name !== "" && !invitation?.has_account && { name }) }));
  });
  const isInvalid = problem?.code === "invite_invalid" || problem?.status === 422 || error?.code === "invite_invalid";
  // A failure that passes: the token is in no address any more, and stays with this page.
  if (problem && !isInvalid) return <Gate title={words.common.couldNotLoad}><ErrorNote error={problem} onRetry={reload} /></Gate>;
  if (isInvalid) {
    return (
      <Gate title={w.invite.invalid} text={w.invite.invalidText}>
        <Button kind="primary" onClick={() => navigate("/login")}>{w.login.action}</Button>
      </Gate>
    );
  }
  if (!invitation) return <div className="splash"><Logo size={32} /></div>;
  return (
    <Gate title={w.invite.title(invitation.organization.name)} text={w.invite.text(words.shell.roles[invitation.role] ?? invitation.role, invitation.email)}>
      <form onSubmit={submit(run)} noValidate>
        <FormError error={error} fields={["password", "name"]} />
        {invitation.has_account ? (
          <p className="muted small">{w.invite.existing}</p>
        ) : (
          <Field label={w.name} error={error?.of("name")} optional>
            {(ids) => <TextInput {...ids} value={form.name} onText={(name) => setForm({ ...form, name })} autoComplete="name" autoFocus />}
          </Field>
        )}
        <Field label={w.password} hint={invitation.has_account ? undefined : w.passwordHint} error={error?.of("password")}>
          {(ids) => (
            <PasswordInput
              {...ids} value={form.password} onText={(password) => setForm({ ...form, password })}
              autoComplete={invitation.has_account ? "current-password" : "new-password"}
            />
          )}
        </Field>
        <Button kind="primary" type="submit" busy={isBusy}>{w.invite.action}</Button>
      </form>
    </Gate>
  );
}
