import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { api } from "../api/client";
import { useAction, useEvery, useGet, useList, useStored } from "../api/hooks";
import type { ApiKey, AuditEntry, DashboardSummary, Discovery, EmbedSession, Page, Usage } from "../api/types";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { Link, navigate } from "../router";
import { firstKey, useSession } from "../session";
import { consoleTheme } from "../tokens";
import {
  Ago, ago, Badge, Bones, Button, Code, compactCount, CopyButton, Empty, Icon, Note, PageHead, Section, Segments, useFailure,
} from "../ui";
import { words } from "../words";
import { NewDashboard } from "./dashboards";
import { NewKey } from "./keys";
import { snippet, type Language } from "./snippets";
import { dayOf, seriesOf, Tile, usageChart } from "./usage";

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
  const [isHidden, setHidden] = useStored(`emban.steps-hidden.${organization.id}`, false);
  // The log remembers sessions that have expired since.
  const made = useGet<Page<AuditEntry>>(isAdmin ? "/v1/audit" : null, { action: "embed_session.create", limit: 1 });
  const events = discovery.data?.events ?? [];
  const hasEvents = events.length > 0;
  // Of what has just begun to arrive, the numbers and the chart know as soon as it is seen.
  const total = events.reduce((sum, event) => sum + event.count, 0);
  const told = useRef(total);
  useEffect(() => {
    if (told.current !== total) usage.reload();
    told.current = total;
  }, [total, usage.reload]);
  const newest = [...events].sort((one, other) => Date.parse(other.last_seen) - Date.parse(one.last_seen))[0];
  // Until the first event is there, somebody sits and waits for it.
  useEvery(discovery.data && !hasEvents ? 2 : 20, () => {
    // One after the other: where an answer takes longer than this, the next question would call it off.
    if (!discovery.isLoading) discovery.reload();
  });
  useEvery(10, () => {
    if (!dashboards.isLoading) dashboards.reload();
    if (isAdmin && !sessions.isLoading) sessions.reload();
  });
  const published = (dashboards.rows ?? []).filter(({ status }) => status === "published");
  const isUsed = (keys.rows ?? []).some(({ last_used_at }) => last_used_at !== null);
  const done = {
    key: copied || isUsed || hasEvents, event: hasEvents, dashboard: (dashboards.rows?.length ?? 0) > 0,
    publish: published.length > 0 || (dashboards.rows ?? []).some(({ last_version }) => last_version > 0),
    embed: (sessions.rows?.length ?? 0) > 0 || (made.data?.data.length ?? 0) > 0,
  };
  const isReady = discovery.data !== null && dashboards.rows !== null && (!isAdmin || (keys.rows !== null && sessions.rows !== null && (made.data !== null || made.error !== null)));
  const count = Object.values(done).filter(Boolean).length;
  const isAllDone = !isAdmin || count === 5;
  const overview = hasEvents ? <Overview usage={usage.data} dashboards={dashboards.rows} /> : isAdmin ? null : (
    <Section><Empty icon="events" title={w.waiting} text={w.waitingText} /></Section>
  );
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
      <PageHead title={w.title(user.name.split(" ")[0] ?? "")} text={!isAdmin ? w.welcome(organization.name) : isReady && count === 5 ? w.done : w.text} />
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
            note={dashboards.rows && words.usage.ofDashboards(compactCount(dashboards.rows.length))}
          />
          {isAdmin && (
            <Tile
              label={w.numbers.sessions}
              value={usage.data ? compactCount(usage.data.embed_sessions) : sessions.rows && (sessions.hasMore ? "1+" : String(sessions.rows.length))}
            />
          )}
        </div>
      )}
      {isReady && isAllDone && overview}
      {!isAdmin || (isAllDone && isHidden) ? null : !isReady ? <div className="steps steps-wait" aria-busy="true" /> : (
        <section className="steps" aria-label={w.progress(count, 5)}>
          <header className="steps-head">
            <span className="steps-bar" role="img" aria-label={w.progress(count, 5)}>
              {Object.entries(done).map(([id, isDone]) => <span key={id} className={isDone ? "on" : ""} />)}
            </span>
            <span className="muted small">{w.progress(count, 5)}</span>
            {isAllDone && <Button small kind="quiet" onClick={() => setHidden(true)}>{w.hide}</Button>}
          </header>
          {step("key", 1, <KeyStep onCopied={() => setCopied(true)} onMade={keys.reload} />)}
          {step("event", 2, <EventStep newest={newest ? w.steps.event.seen(newest.event_name, ago(newest.last_seen)) : null} />)}
          {step("dashboard", 3, <DashboardStep hasEvents={hasEvents} />)}
          {step("publish", 4, (
            <Button kind="primary" disabled={!done.dashboard} onClick={() => navigate(dashboards.rows?.[0] ? `/dashboards/${dashboards.rows[0].id}` : "/dashboards")}>
              {w.steps.publish.open}
            </Button>
          ))}
          {step("embed", 5, <Button kind="primary" disabled={published.length === 0} onClick={() => navigate("/sessions?new=1")}>{w.steps.embed.open}</Button>)}
        </section>
      )}
      {isReady && !isAllDone && overview}
    </div>
  );
}

/** What arrives, and what is made of it. */
function Overview({ usage, dashboards }: { readonly usage: Usage | null; readonly dashboards: readonly DashboardSummary[] | null }): JSX.Element {
  const theme = useResolvedTheme(consoleTheme);
  const series = useMemo(() => (usage ? seriesOf(usage, "events") : null), [usage]);
  const recent = [...(dashboards ?? [])].sort((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at)).slice(0, 5);
  return (
    <div className="overview">
      <div className="chart-box"><WidgetCard widget={usageChart("home_events", w.eventsByDay, "bar")} answer={series} theme={theme} /></div>
      <Section flush title={w.recent} actions={<Link to="/dashboards" className="small">{w.recentAll}</Link>}>
        {!dashboards && <Bones rows={4} />}
        {dashboards?.length === 0 && <p className="muted small pad">{words.dashboards.noneMember}</p>}
        {recent.length > 0 && (
          <ul className="recent">
            {recent.map(({ id, name, status, updated_at }) => (
              <li key={id}>
                <Link to={`/dashboards/${id}`} className="recent-link">
                  <span className="recent-name">{name}</span>
                  <Badge tone={status === "published" ? "good" : status === "unpublished" ? "warn" : "plain"} dot>{words.dashboards.statuses[status]}</Badge>
                  <span className="recent-note"><Ago at={updated_at} /></span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </Section>
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
  const { organization, environment } = useSession();
  const [, setRound] = useState(0);
  const key = firstKey.get(organization.id, environment);
  const [isMaking, setMaking] = useState(false);
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
              firstKey.set(organization.id, made.environment === "development" ? "development" : "production", made.key);
              setRound((before) => before + 1);
            }
            onMade();
          }}
        />
      )}
    </>
  );
}

function EventStep({ newest }: { readonly newest: string | null }): JSX.Element {
  const { organization, environment, can } = useSession();
  const [language, setLanguage] = useState<Language>("curl");
  const key = can("admin") ? firstKey.get(organization.id, environment) : null;
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
  const { environment } = useSession();
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
