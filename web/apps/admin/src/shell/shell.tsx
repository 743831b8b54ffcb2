import { useEffect, useRef, useState, type ReactNode } from "react";
import { api } from "../api/client";
import { Link, navigate, usePlace } from "../router";
import { tellOthers, useSession, type Environment, type Right } from "../session";
import { colorMode, setColorMode, type ColorMode } from "../tokens";
import { Icon, IconButton, Logo, Menu, Segments, useFailure, type IconName, type MenuItem } from "../ui";
import { words } from "../words";
import { NewOrganization } from "./new-organization";

interface Entry {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  readonly right: Right;
}

const w = words.shell;

const groups: readonly { readonly title: string | null; readonly entries: readonly Entry[] }[] = [
  { title: null, entries: [{ to: "/", label: w.home, icon: "home", right: "read" }] },
  {
    title: w.groups.build,
    entries: [
      { to: "/events", label: w.events, icon: "events", right: "read" },
      { to: "/dashboards", label: w.dashboards, icon: "dashboard", right: "read" },
      { to: "/querybuilder", label: w.queryBuilder, icon: "query", right: "admin" },
    ],
  },
  {
    title: w.groups.share,
    entries: [
      { to: "/customers", label: w.tenants, icon: "tenants", right: "read" },
      { to: "/sessions", label: w.sessions, icon: "session", right: "admin" },
      { to: "/keys", label: w.keys, icon: "key", right: "admin" },
    ],
  },
  {
    title: w.groups.organization,
    entries: [
      { to: "/members", label: w.members, icon: "members", right: "read" },
      { to: "/usage", label: w.usage, icon: "usage", right: "read" },
      { to: "/audit", label: w.audit, icon: "audit", right: "admin" },
      { to: "/settings", label: w.settings, icon: "settings", right: "admin" },
    ],
  },
];

export function Shell({ children }: { readonly children: ReactNode }): JSX.Element {
  const { path } = usePlace();
  const { can } = useSession();
  const [isOpen, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const side = useRef<HTMLElement>(null);
  const toggle = useRef<HTMLButtonElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    setOpen(false);
    // Who uses the keyboard, or hears the page, begins at the new page; a field of it that wants the focus has it already.
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [path]);
  useEffect(() => {
    if (isOpen) side.current?.querySelector<HTMLElement>("a, button")?.focus();
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    toggle.current?.focus();
  };
  return (
    <div
      className="shell" data-open={isOpen || undefined}
      onKeyDown={(event) => {
        // Wherever the focus is: it is on its way into the side for a moment.
        if (event.key === "Escape" && isOpen && !event.defaultPrevented) close();
      }}
    >
      <a
        className="skip" href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {words.common.skip}
      </a>
      <div className="shell-bar">
        <IconButton ref={toggle} icon="menu" label={w.menu} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} />
        <Logo size={20} />
      </div>
      {isOpen && <div className="shell-veil" onClick={close} />}
      <aside className="side" ref={side}>
        <OrganizationMenu />
        <nav className="side-nav" aria-label={w.navigation}>
          {groups.map(({ title, entries }) => {
            const allowed = entries.filter((entry) => can(entry.right));
            if (allowed.length === 0) return null;
            return (
              <div className="side-group" key={title ?? "first"}>
                {title && <h2>{title}</h2>}
                {allowed.map(({ to, label, icon }) => (
                  <Link key={to} to={to} className="side-link" aria-current={to === path || (to !== "/" && path.startsWith(`${to}/`)) ? "page" : undefined}>
                    <Icon name={icon} />
                    {label}
                  </Link>
                ))}
              </div>
            );
          })}
        </nav>
        <PersonMenu />
      </aside>
      <main className="main" id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function OrganizationMenu(): JSX.Element {
  const { organization, organizations } = useSession();
  const fail = useFailure();
  const [isNew, setNew] = useState(false);
  const others = organizations.length > 0 ? organizations : [{ id: organization.id, name: organization.name, role: "" }];
  const items: (MenuItem | "line")[] = others.map(({ id, name }) => ({
    label: name, checked: id === organization.id,
    run: () => {
      if (id === organization.id) return;
      api.post("/v1/auth/switch", { organization_id: id }).then(() => {
        tellOthers();
        location.assign("/app");
      }, fail);
    },
  }));
  return (
    <>
      <Menu label={w.organizations} items={[...items, "line", { label: w.newOrganization, icon: "plus", run: () => setNew(true) }]} side="start" className="side-brand">
        <Logo />
        <span className="side-org">{organization.name}</span>
        <Icon name="chevron" />
      </Menu>
      {isNew && <NewOrganization onClose={() => setNew(false)} />}
    </>
  );
}

function PersonMenu(): JSX.Element {
  const { user, environment, setEnvironment, signOut } = useSession();
  const [mode, setMode] = useState<ColorMode>(colorMode());
  const look = (next: ColorMode, icon: IconName): MenuItem => ({
    label: w.appearance[next], icon, checked: mode === next,
    run: () => {
      setColorMode(next);
      setMode(next);
    },
  });
  return (
    <div className="side-foot">
      <Segments<Environment>
        label={w.environment} value={environment} onPick={setEnvironment}
        options={[{ value: "production", label: w.environments.production }, { value: "development", label: w.environments.development }]}
      />
      <Menu
        label={w.account} side="up" className="side-person"
        items={[
          { label: w.account, icon: "user", run: () => navigate("/account") },
          { label: w.docs, icon: "external", run: () => window.open("/docs", "_blank", "noopener") },
          "line", look("auto", "screen"), look("light", "sun"), look("dark", "moon"), "line",
          { label: w.signOut, icon: "logout", run: signOut },
        ]}
      >
        <span className="avatar" aria-hidden="true">{(user.name || user.email).slice(0, 1)}</span>
        <span className="side-name">
          <span>{user.name || user.email}</span>
          <span>{w.roles[user.role]}</span>
        </span>
      </Menu>
    </div>
  );
}
