import { Component, useCallback, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { api, ApiError, onSignedOut } from "./api/client";
import type { Organization, User } from "./api/types";
import { Builder } from "./builder/builder-page";
import { AccountPage } from "./pages/account";
import { AuditPage } from "./pages/audit";
import { DashboardsPage } from "./pages/dashboards";
import { EventsPage } from "./pages/events";
import { ForgotPage, InvitePage, LoginPage, RegisterPage, ResetPage } from "./pages/gate";
import { HomePage } from "./pages/home";
import { KeysPage } from "./pages/keys";
import { MembersPage } from "./pages/members";
import { QueryBuilderPage } from "./pages/query-builder";
import { SessionsPage } from "./pages/sessions";
import { SettingsPage } from "./pages/settings";
import { TenantsPage } from "./pages/tenants";
import { UsagePage } from "./pages/usage";
import { match, navigate, usePlace } from "./router";
import { chosenEnvironment, firstKey, may, onOthers, SessionContext, tellOthers, type Environment, type Right, type Session } from "./session";
import { Shell } from "./shell/shell";
import { browserKept } from "./storage";
import { Button, Empty, Icon, Logo, Note, showTimesIn, Toasts, useTitle, useToast } from "./ui";
import { words } from "./words";

export interface Person {
  readonly user: User;
  readonly organization: Organization;
  /** The access rules of the API that the person's role opens. */
  readonly may?: readonly string[];
  readonly organizations?: readonly { readonly id: string; readonly name: string; readonly role: string }[];
}

interface Route {
  readonly pattern: string;
  readonly right: Right;
  /** Takes the whole window. */
  readonly bare?: true;
  readonly page: (parameters: Readonly<Record<string, string>>) => JSX.Element;
}

const routes: readonly Route[] = [
  { pattern: "/", right: "read", page: () => <HomePage /> },
  { pattern: "/events", right: "read", page: () => <EventsPage /> },
  { pattern: "/dashboards", right: "read", page: () => <DashboardsPage /> },
  { pattern: "/dashboards/:id", right: "read", bare: true, page: ({ id = "" }) => <><Titled title={words.shell.dashboards} /><Builder key={id} id={id} /></> },
  { pattern: "/keys", right: "admin", page: () => <KeysPage /> },
  { pattern: "/sessions", right: "admin", page: () => <SessionsPage /> },
  { pattern: "/customers", right: "read", page: () => <TenantsPage /> },
  { pattern: "/querybuilder", right: "admin", page: () => <QueryBuilderPage /> },
  { pattern: "/members", right: "read", page: () => <MembersPage /> },
  { pattern: "/audit", right: "admin", page: () => <AuditPage /> },
  { pattern: "/usage", right: "read", page: () => <UsagePage /> },
  { pattern: "/settings", right: "admin", page: () => <SettingsPage /> },
  { pattern: "/account", right: "read", page: () => <AccountPage /> },
];

/** Pages for whoever is not signed in. */
const gates: Readonly<Record<string, (enter: (person: Person) => void, leave: () => void) => JSX.Element>> = {
  "/register": (enter) => <RegisterPage onEnter={enter} />,
  "/login": (enter) => <LoginPage onEnter={enter} />,
  "/forgot": () => <ForgotPage />,
  "/reset": (_enter, leave) => <ResetPage onDone={leave} />,
  "/invite": (enter) => <InvitePage onEnter={enter} />,
};

/** A name for the page until the page has one of its own. */
function Titled({ title }: { readonly title: string }): null {
  useTitle(title);
  return null;
}

export function App(): JSX.Element {
  return (
    <Toasts>
      <Offline />
      <Boundary>
        <Entrance />
      </Boundary>
    </Toasts>
  );
}

function Entrance(): JSX.Element {
  const { path } = usePlace();
  const [person, setPerson] = useState<Person | null | "unknown">("unknown");
  const [failure, setFailure] = useState<ApiError | null>(null);
  const ask = useCallback(() => {
    setFailure(null);
    api.get<Person>("/v1/auth/me").then(setPerson, (error: unknown) => {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) setPerson(null);
      else if (error instanceof ApiError) setFailure(error);
    });
  }, []);
  useEffect(ask, [ask]);
  useEffect(() => onSignedOut(() => {
    firstKey.clear();
    setPerson(null);
  }), []);
  useEffect(() => {
    // Meanwhile another tab or window may have signed out or switched, and the role may be another one.
    const look = () => {
      if (person === "unknown") return;
      api.get<Person>("/v1/auth/me").then((found) => {
        if (person === null || (found.organization.id === person.organization.id && found.user.id === person.user.id)) setPerson(found);
        else location.assign("/app");
      }, () => undefined);
    };
    const see = () => document.visibilityState === "visible" && person !== null && look();
    document.addEventListener("visibilitychange", see);
    window.addEventListener("focus", see);
    const stop = onOthers(look);
    return () => {
      document.removeEventListener("visibilitychange", see);
      window.removeEventListener("focus", see);
      stop();
    };
  }, [person]);
  const leave = useCallback(() => {
    firstKey.clear();
    // Whoever comes next to this browser has no business with what was asked here.
    browserKept.forget("emban.sql");
    tellOthers();
    setPerson(null);
    navigate("/login", { replace: true });
  }, []);
  const gate = gates[path];
  // Links of invitations and of new passwords are for whoever opens them.
  const isLink = path === "/invite" || path === "/reset";
  useEffect(() => {
    if (person === null && !gate) navigate(path === "/" ? "/login" : `/login?next=${encodeURIComponent(path + location.search)}`, { replace: true });
    if (person !== null && person !== "unknown" && gate && !isLink) navigate(nextPlace(), { replace: true });
  }, [person, gate, isLink, path]);
  if (failure) {
    return (
      <div className="splash">
        <Note tone="bad" title={words.common.couldNotLoad} actions={<Button small onClick={ask}>{words.common.retry}</Button>}>{failure.message}</Note>
      </div>
    );
  }
  if (gate && (person === null || isLink)) {
    return gate((entered) => {
      tellOthers();
      setPerson(entered);
      // The whole answer, with the organisations one is in.
      void api.get<Person>("/v1/auth/me").then(setPerson, () => undefined);
      navigate(nextPlace(), { replace: true });
    }, leave);
  }
  if (person === null || person === "unknown" || gate) {
    return (
      <div className="splash">
        <Titled title="" />
        <Logo size={32} />
        <p className="sr" role="status">{words.common.loading}</p>
      </div>
    );
  }
  return <Inside person={person} onChange={setPerson} onLeave={leave} />;
}

/** Where the person wanted to go before they had to log in. */
function nextPlace(): string {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  return next.startsWith("/") && !next.startsWith("//") ? next : "/";
}

function Inside({ person, onChange, onLeave }: { readonly person: Person; readonly onChange: (person: Person) => void; readonly onLeave: () => void }): JSX.Element {
  const { path } = usePlace();
  const [environment, setStoredEnvironment] = useState<Environment>(chosenEnvironment.get);
  const toast = useToast();
  // Before anything is drawn: the organisation's days are those of its zone, and UTC without one.
  showTimesIn(person.organization.time_zone ?? "UTC");
  const session = useMemo<Session>(
    () => ({
      user: person.user, organization: person.organization, organizations: person.organizations ?? [], environment,
      setEnvironment: (next) => {
        chosenEnvironment.set(next);
        setStoredEnvironment(next);
      },
      setOrganization: (organization) => onChange({ ...person, organization }),
      setPerson: (next) => onChange({ ...person, ...next }),
      can: (right) => person.may?.includes(right) ?? may(person.user.role, right),
      signOut: () => {
        api.post("/v1/auth/logout").then(onLeave, (error: unknown) => {
          // Without an answer the session lives on: nobody is to think that they have left.
          if (error instanceof ApiError && error.status === 401) onLeave();
          else toast(words.shell.stillSignedIn, "bad");
        });
      },
      leave: onLeave,
    }),
    [person, environment, onChange, onLeave, toast],
  );
  for (const route of routes) {
    const parameters = match(route.pattern, path);
    if (!parameters) continue;
    const page = session.can(route.right) ? route.page(parameters) : <NotAllowed />;
    return (
      <SessionContext.Provider value={session}>
        {route.bare && session.can(route.right) ? <Boundary key={path}>{page}</Boundary> : <Shell><Boundary key={`${path} ${person.organization.id}`}>{page}</Boundary></Shell>}
      </SessionContext.Provider>
    );
  }
  return (
    <SessionContext.Provider value={session}>
      <Shell>
        <Titled title={words.common.notFound} />
        <Empty icon="search" title={words.common.notFound} text={words.common.notFoundText}>
          <Button kind="primary" onClick={() => navigate("/")}>{words.common.home}</Button>
        </Empty>
      </Shell>
    </SessionContext.Provider>
  );
}

function NotAllowed(): JSX.Element {
  useTitle(words.common.notAllowed);
  return (
    <Empty icon="lock" title={words.common.notAllowed} text={words.members.askAdmin}>
      <Button kind="primary" onClick={() => navigate("/")}>{words.common.home}</Button>
    </Empty>
  );
}

/** Says that there is no connection, for as long as there is none. */
function Offline(): JSX.Element | null {
  const isOnline = useSyncExternalStore(
    (listener) => {
      window.addEventListener("online", listener);
      window.addEventListener("offline", listener);
      return () => {
        window.removeEventListener("online", listener);
        window.removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
  return (
    <div role="status">
      {!isOnline && <p className="offline"><Icon name="warning" />{words.common.offline}</p>}
    </div>
  );
}

/** A page that fails takes nothing else with it. */
class Boundary extends Component<{ readonly children: ReactNode }, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <Empty icon="alert" title={words.common.crashed} text={words.common.crashedText}>
        <Button kind="primary" onClick={() => location.reload()}>{words.common.reload}</Button>
      </Empty>
    );
  }
}
