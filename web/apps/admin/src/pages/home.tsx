import { useEffect, useState, type ReactNode } from "react";
import { api } from "../api/client";
import { useAction, useEvery, useGet, useList, useStored } from "../api/hooks";
import type { ApiKey, DashboardSummary, Discovery, EmbedSession, Usage } from "../api/types";
import { Link, navigate } from "../router";
import { firstKey, useSession } from "../session";
import { ago, Button, Code, compactCount, CopyButton, Icon, Note, PageHead, Segments, useFailure } from "../ui";
import { words } from "../words";
import { NewDashboard } from "./dashboards";
import { NewKey } from "./keys";
import { snippet, type Language } from "./snippets";
import { dayOf, Tile } from "./usage";

const w = words.home;

export function HomePage(): JSX.Element {
  const { user, organization, environment, can } = useSession();
  const isAdmin = can("admin");
  const discovery = useGet<Discovery>("/v1/discover", { environment });
  const dashboards = useList<DashboardSummary>("/v1/dashboards", { limit: 200 });
  const keys = useList<ApiKey>(isAdmin ? "/v1/api-keys" : null);
  const sessions = useList<EmbedSession>(isAdmin ? "/v1/embed-sessions" : null, { limit: 1 });
  const usage = useGet<Usage>("/v1/usage", { from: dayOf(-29), to: dayOf(0), environment });
  const [copied, setCopied] = useStored(`emban.copied.${organization.id}`, false);
  const [embedded, setEmbedded] = useStored(`emban.embedded.${organization.id}`, false);
  const events = discovery.data?.events ?? [];
  const hasEvents = events.length > 0;
  const newest = [...events].sort((one, other) => Date.parse(other.last_seen) - Date.parse(one.last_seen))[0];
  // Until the first event is there, somebody sits and waits for it.
  useEvery(discovery.data && !hasEvents ? 2 : 20, discovery.reload);
  useEvery(10, () => {
    dashboards.reload();
    if (isAdmin) sessions.reload();
  });
  const hasSession = (sessions.rows?.length ?? 0) > 0;
  useEffect(() => {
    if (hasSession && !embedded) setEmbedded(true);
  }, [hasSession, embedded, setEmbedded]);
  const published = (dashboards.rows ?? []).filter(({ status }) => status === "published");
  const isUsed = (keys.rows ?? []).some(({ last_used_at }) => last_used_at !== null);
  const done = {
    key: copied || isUsed || hasEvents, event: hasEvents, dashboard: (dashboards.rows?.length ?? 0) > 0,
    publish: published.length > 0 || (dashboards.rows ?? []).some(({ last_version }) => last_version > 0),
    embed: embedded,
  };
  const isReady = discovery.data !== null && dashboards.rows !== null && (!isAdmin || (keys.rows !== null && sessions.rows !== null));
  const count = Object.values(done).filter(Boolean).length;
  const [opened, setOpened] = useState<string | null>(null);
  const firstOpen = Object.entries(done).find(([, isDone]) => !isDone)?.[0] ?? null;
  const open = opened ?? firstOpen;
  const step = (id: keyof typeof done, number: number, content: ReactNode) => (
    <Step key={id} number={number} title={w.steps[id].title} text={w.steps[id].text} isDone={done[id]} isOpen={open === id} onOpen={() => setOpened(open === id ? "" : id)}>
      {content}
    </Step>
  );
  return (
    <div className="page">
      <PageHead title={w.title(user.name.split(" ")[0] ?? "")} text={isReady && count === 5 ? w.done : w.text} />
      {hasEvents && (
        <div className="tiles">
          <Tile
            label={w.numbers.events}
            value={usage.data ? compactCount(usage.data.events) : compactCount(events.reduce((sum, event) => sum + event.count, 0))}
            note={newest ? ago(newest.last_seen) : null}
          />
          <Tile
            label={w.numbers.customers}
            value={usage.data ? compactCount(usage.data.tenants) : compactCount(Math.max(...events.map(({ tenants }) => tenants)))}
          />
          <Tile
            label={w.numbers.dashboards} value={dashboards.rows && String(published.length)}
            note={dashboards.rows && `${dashboards.rows.length} ${words.usage.items.dashboards.toLowerCase()}`}
          />
          {isAdmin && (
            <Tile
              label={w.numbers.sessions}
              value={usage.data ? compactCount(usage.data.embed_sessions) : sessions.rows && (sessions.hasMore ? "1+" : String(sessions.rows.length))}
            />
          )}
        </div>
      )}
      {!isReady ? <div className="steps steps-wait" aria-busy="true" /> : (
        <section className="steps" aria-label={w.progress(count, 5)}>
          <header className="steps-head">
            <span className="steps-bar" role="img" aria-label={w.progress(count, 5)}>
              {Object.entries(done).map(([id, isDone]) => <span key={id} className={isDone ? "on" : ""} />)}
            </span>
            <span className="muted small">{w.progress(count, 5)}</span>
          </header>
          {step("key", 1, <KeyStep onCopied={() => setCopied(true)} onMade={keys.reload} />)}
          {step("event", 2, <EventStep newest={newest ? w.steps.event.seen(newest.event_name, ago(newest.last_seen)) : null} />)}
          {step("dashboard", 3, <DashboardStep hasEvents={hasEvents} />)}
          {step("publish", 4, isAdmin ? <Button kind="primary" disabled={!done.dashboard} onClick={() => navigate(dashboards.rows?.[0] ? `/dashboards/${dashboards.rows[0].id}` : "/dashboards")}>{w.steps.publish.open}</Button> : <p className="muted">{w.steps.publish.member}</p>)}
          {step("embed", 5, isAdmin ? <Button kind="primary" disabled={published.length === 0} onClick={() => navigate("/sessions?new=1")}>{w.steps.embed.open}</Button> : <p className="muted">{w.steps.embed.member}</p>)}
        </section>
      )}
    </div>
  );
}

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly text: string;
  readonly isDone: boolean;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
  readonly children: ReactNode;
}

function Step({ number, title, text, isDone, isOpen, onOpen, children }: StepProps): JSX.Element {
  return (
    <div className={isOpen ? "step open" : "step"} data-done={isDone || undefined}>
      <button type="button" className="step-head" aria-expanded={isOpen} onClick={onOpen}>
        <span className="step-mark">{isDone ? <Icon name="check" /> : number}</span>
        <span className="step-title">{title}</span>
        <Icon name="chevron" />
      </button>
      {isOpen && (
        <div className="step-body">
          <p className="muted">{text}</p>
          {children}
        </div>
      )}
    </div>
  );
}

function KeyStep({ onCopied, onMade }: { readonly onCopied: () => void; readonly onMade: () => void }): JSX.Element {
  const { can } = useSession();
  const [key, setKey] = useState(firstKey.get());
  const [isMaking, setMaking] = useState(false);
  if (!can("admin")) return <p>{w.steps.key.member}</p>;
  return (
    <>
      {key ? (
        <div className="key-show">
          <code className="break" data-testid="api-key">{key}</code>
          <CopyButton text={key} kind="primary" onCopied={onCopied} />
        </div>
      ) : (
        <div className="row wrap">
          <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>{w.steps.key.make}</Button>
          <Link to="/keys">{w.steps.key.keys}</Link>
        </div>
      )}
      {!key && <p className="muted small">{w.steps.key.none}</p>}
      {isMaking && (
        <NewKey
          name={w.steps.key.name} onClose={() => setMaking(false)}
          onMade={(made) => {
            if (made.key) {
              firstKey.set(made.key);
              setKey(made.key);
            }
            onMade();
          }}
        />
      )}
    </>
  );
}

function EventStep({ newest }: { readonly newest: string | null }): JSX.Element {
  const [language, setLanguage] = useState<Language>("curl");
  const key = firstKey.get();
  return (
    <>
      <div className="row spread wrap">
        <Segments<Language>
          label={w.steps.event.title} value={language} onPick={setLanguage}
          options={(["curl", "node", "python"] as const).map((value) => ({ value, label: w.languages[value] }))}
        />
        {key && <span className="muted small">{w.steps.event.withKey}</span>}
      </div>
      <Code text={snippet(language, location.origin, key)} label={w.languages[language]} />
      {newest ? (
        <Note tone="good" actions={<Button small onClick={() => navigate("/events")}>{w.steps.event.open}</Button>}>{newest}</Note>
      ) : (
        <p className="listening" role="status"><span className="pulse" />{w.steps.event.waiting}</p>
      )}
    </>
  );
}

function DashboardStep({ hasEvents }: { readonly hasEvents: boolean }): JSX.Element {
  const { can, environment } = useSession();
  const [isNew, setNew] = useState(false);
  const fail = useFailure();
  const auto = useAction(async () => {
    try {
      const { dashboard_id } = await api.post<{ dashboard_id: string }>("/v1/discover/auto-create", { environment });
      navigate(`/dashboards/${dashboard_id}`);
    } catch (error) {
      fail(error);
    }
  });
  if (!can("edit")) return <Button onClick={() => navigate("/dashboards")}>{w.steps.dashboard.open}</Button>;
  return (
    <>
      <div className="row wrap">
        <Button kind="primary" icon="wand" busy={auto.isBusy} disabled={!hasEvents} onClick={auto.run}>{w.steps.dashboard.auto}</Button>
        <Button icon="plus" onClick={() => setNew(true)}>{w.steps.dashboard.blank}</Button>
      </div>
      {!hasEvents && <p className="muted small">{w.steps.dashboard.noEvents}</p>}
      {isNew && <NewDashboard onClose={() => setNew(false)} />}
    </>
  );
}
