import { useEffect, useMemo, useState } from "react";
import { api, type ApiError } from "../api/client";
import { useAction, useGet, useList } from "../api/hooks";
import type { Dashboard, DashboardSummary, EmbedSession, IssuedSession, Tenant } from "../api/types";
import { setQuery, usePlace } from "../router";
import { useSession } from "../session";
import {
  Ago, Badge, Button, Checkbox, Code, Combo, DataTable, Dialog, Empty, Field, Note, NumberInput, PageHead, Section, Select, TextArea, useFailure,
  useToast,
} from "../ui";
import { words } from "../words";

const w = words.sessions;
const allPeriods = ["1h", "24h", "7d", "30d", "90d", "12mo"];

export function SessionsPage(): JSX.Element {
  const { query } = usePlace();
  const tenant = query.get("tenant") ?? "";
  const isNew = query.has("new");
  const sessions = useList<EmbedSession>("/v1/embed-sessions", { tenant_id: tenant });
  const dashboards = useList<DashboardSummary>("/v1/dashboards", { limit: 200 }, { all: true });
  const [isSearching, setSearching] = useState(false);
  const search = () => setSearching(true);
  const tenants = useList<Tenant>("/v1/tenants", { limit: 200 }, { all: isSearching });
  const toast = useToast();
  const fail = useFailure();
  const names = new Map((dashboards.rows ?? []).map(({ id, name }) => [id, name]));
  const suggestions = (tenants.rows ?? []).map(({ tenant_id }) => ({ value: tenant_id }));
  const end = (session: EmbedSession) => {
    api.delete(`/v1/embed-sessions/${session.session_id}`).then(() => {
      sessions.update((rows) => rows.filter((row) => row.session_id !== session.session_id));
      toast(w.revoked);
    }, fail);
  };
  const endAll = () => {
    api.delete("/v1/embed-sessions", { query: { tenant_id: tenant } }).then(() => {
      sessions.reload();
      toast(w.revokedAll);
    }, fail);
  };
  return (
    <div className="page">
      <PageHead title={w.title} text={w.text} actions={<Button kind="primary" icon="plus" onClick={() => setQuery({ new: "1" })}>{w.create}</Button>} />
      <Section
        flush title={w.live} text={w.liveText}
        actions={
          <>
            {tenant !== "" && (sessions.rows?.length ?? 0) > 0 && <Button small kind="danger" onClick={endAll}>{w.revokeAll(tenant)}</Button>}
            <span className="filter-combo">
              <Combo
                ids={{ "aria-label": w.filter }} clearable value={tenant} onPick={(value) => setQuery({ tenant: value })} suggestions={suggestions} onSearch={search}
                placeholder={w.filter}
              />
            </span>
          </>
        }
      >
        <DataTable
          label={w.live} rows={sessions.rows} rowKey={(session) => session.session_id} error={sessions.error} onRetry={sessions.reload} more={sessions.hasMore ? sessions.more : null} isLoading={sessions.isLoading}
          empty={<Empty icon="session" title={w.none} text={w.noneText}><Button kind="primary" onClick={() => setQuery({ new: "1" })}>{w.create}</Button></Empty>}
          columns={[
            { key: "tenant", label: w.customer, cell: (session) => <span className="strong break">{session.tenant_id}</span> },
            { key: "dashboard", label: w.dashboard, cell: (session) => names.get(session.dashboard_id) ?? <code>{session.dashboard_id}</code> },
            {
              key: "environment", label: words.keys.environment,
              cell: (session) => (session.environment === "development" ? <Badge tone="warn">{words.shell.environments.development}</Badge> : words.shell.environments.production),
            },
            { key: "made", label: w.madeAt, cell: (session) => <Ago at={session.created_at} /> },
            { key: "expires", label: w.expiresAt, cell: (session) => <Ago at={session.expires_at} /> },
            {
              key: "actions", label: words.common.actions, hideLabel: true, numeric: true,
              cell: (session) => <Button small kind="danger" onClick={() => end(session)}>{w.revoke}</Button>,
            },
          ]}
        />
      </Section>
      {isNew && (
        <NewSession
          dashboards={dashboards.rows} tenants={suggestions} onSearch={search} tenant={tenant} dashboard={query.get("dashboard") ?? ""} onMade={sessions.reload}
          onClose={() => setQuery({ new: null, dashboard: null })}
        />
      )}
    </div>
  );
}

interface NewSessionProps {
  readonly dashboards: readonly DashboardSummary[] | null;
  readonly tenants: readonly { readonly value: string }[];
  /** A customer is looked for, who may be beyond the first page. */
  readonly onSearch: () => void;
  readonly tenant: string;
  readonly dashboard: string;
  readonly onMade: () => void;
  readonly onClose: () => void;
}

function NewSession({ dashboards, tenants, onSearch, tenant: givenTenant, dashboard: givenDashboard, onMade, onClose }: NewSessionProps): JSX.Element {
  const { environment } = useSession();
  const published = useMemo(() => (dashboards ?? []).filter(({ status }) => status === "published"), [dashboards]);
  const [tenant, setTenant] = useState(givenTenant);
  const [dashboard, setDashboard] = useState(givenDashboard);
  const [expires, setExpires] = useState("3600");
  const [allowed, setAllowed] = useState({ allow_drill_down: true, allow_export: true, allow_customize_layout: false, allow_manage_widgets: false, allow_underlying_data: false });
  const [periods, setPeriods] = useState<readonly string[]>([]);
  const [locked, setLocked] = useState("");
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const [maximum, setMaximum] = useState<number | undefined>(undefined);
  const [isAdvanced, setAdvanced] = useState(false);
  const [issued, setIssued] = useState<IssuedSession | null>(null);
  useEffect(() => {
    const [first] = published;
    if (dashboard === "" && first) setDashboard(first.id);
  }, [published, dashboard]);
  const { data: config } = useGet<Dashboard>(dashboard === "" ? null : `/v1/dashboards/${dashboard}`);
  const lockedFilters = readLocked(locked);
  const { run, isBusy, error } = useAction(async () => {
    const permissions: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(allowed)) if (value !== defaultOf(name)) permissions[name] = value;
    if (periods.length > 0) permissions["allowed_periods"] = periods;
    if (lockedFilters && Object.keys(lockedFilters).length > 0) permissions["locked_filters"] = lockedFilters;
    // Of this dashboard: ids such as w_1 are everywhere.
    const absent = hidden.filter((id) => config?.widgets?.some((widget) => widget.id === id));
    if (absent.length > 0) permissions["hidden_widgets"] = absent;
    if (maximum) permissions["max_date_range_days"] = maximum;
    const body = { tenant_id: tenant, dashboard_id: dashboard, expires_in: Number(expires), ...(Object.keys(permissions).length > 0 && { permissions }) };
    setIssued(await api.post<IssuedSession>("/v1/embed-sessions", body));
    onMade();
  });
  const fields = ["tenant_id", "dashboard_id", "expires_in", ...(isAdvanced ? ["permissions.locked_filters", "permissions.max_date_range_days"] : [])];
  if (issued) return <Issued issued={issued} onClose={onClose} />;
  const toggle = (list: readonly string[], value: string) => (list.includes(value) ? list.filter((one) => one !== value) : [...list, value]);
  return (
    <Dialog
      title={w.newTitle} onClose={onClose} busy={isBusy}
      footer={
        <>
          <Button disabled={isBusy} onClick={onClose}>{words.common.cancel}</Button>
          <Button kind="primary" busy={isBusy} disabled={tenant === "" || dashboard === "" || lockedFilters === null} onClick={run}>{w.make}</Button>
        </>
      }
    >
      <div className="stack">
        {environment === "development" && <Note>{w.productionOnly}</Note>}
        {dashboards !== null && published.length === 0 && <Note tone="warn">{w.noPublished}</Note>}
        <Field label={w.customer} hint={w.customerHint} error={error?.of("tenant_id")}>
          {(ids) => <Combo ids={ids} value={tenant} onPick={setTenant} suggestions={tenants} onSearch={onSearch} placeholder="acme" />}
        </Field>
        <div className="columns-2">
          <Field label={w.dashboard} error={error?.of("dashboard_id")}>
            {(ids) => <Select {...ids} value={dashboard} onPick={(id) => { setDashboard(id); setHidden([]); }} options={published.map(({ id, name }) => ({ value: id, label: name }))} />}
          </Field>
          <Field label={w.expires} error={error?.of("expires_in")}>
            {(ids) => <Select {...ids} value={expires} onPick={setExpires} options={Object.entries(w.durations).map(([value, label]) => ({ value, label }))} />}
          </Field>
        </div>
        <button type="button" className="disclosure" aria-expanded={isAdvanced} onClick={() => setAdvanced(!isAdvanced)}>{w.advanced}</button>
        {isAdvanced && (
          <div className="stack inset">
            <fieldset className="choices">
              <legend>{w.permissions}</legend>
              {([["allow_drill_down", w.drill], ["allow_export", w.export], ["allow_underlying_data", w.rows], ["allow_customize_layout", w.layout], ["allow_manage_widgets", w.own]] as const).map(([name, label]) => (
                <Checkbox key={name} label={label} on={allowed[name]} onToggle={(on) => setAllowed({ ...allowed, [name]: on })} />
              ))}
            </fieldset>
            <fieldset className="choices inline">
              <legend>{w.periods}</legend>
              {allPeriods.map((period) => <Checkbox key={period} label={words.widget.periods[period] ?? period} on={periods.includes(period)} onToggle={() => setPeriods(toggle(periods, period))} />)}
              <p className="field-hint">{w.periodsHint}</p>
            </fieldset>
            <Field label={w.locked} hint={w.lockedHint} error={lockedFilters === null ? w.lockedError : error?.of("permissions.locked_filters")}>
              {(ids) => <TextArea {...ids} mono rows={2} value={locked} onText={setLocked} placeholder="model=gpt-4" />}
            </Field>
            {(config?.widgets?.length ?? 0) > 0 && (
              <fieldset className="choices">
                <legend>{w.hidden}</legend>
                {config?.widgets?.map((widget) => <Checkbox key={widget.id} label={widget.title || widget.id} on={hidden.includes(widget.id)} onToggle={() => setHidden(toggle(hidden, widget.id))} />)}
              </fieldset>
            )}
            <Field label={w.maximum} optional error={error?.of("permissions.max_date_range_days")}>
              {(ids) => <NumberInput {...ids} value={maximum} onNumber={setMaximum} placeholder="90" />}
            </Field>
          </div>
        )}
        {error && !fields.some((field) => error.of(field) !== null) && <Note tone="bad">{sentenceOf(error)}</Note>}
      </div>
    </Dialog>
  );
}

/** What is wrong where no field of the form is to blame. */
export function sentenceOf(error: ApiError): string {
  const [first] = error.details;
  return first ? `${first.field}: ${first.expected}` : error.message;
}

function Issued({ issued, onClose }: { readonly issued: IssuedSession; readonly onClose: () => void }): JSX.Element {
  return (
    <Dialog title={w.made} size="large" onClose={onClose} footer={<Button kind="primary" onClick={onClose}>{words.common.done}</Button>}>
      <div className="stack">
        <Note>{w.madeText}</Note>
        <Field label={w.url} isGroup>{() => <Code text={issued.embed_url} label={w.url} />}</Field>
        <Field label={w.preview} isGroup>{() => <iframe className="embed-preview" title={w.preview} src={framePlace(issued)} />}</Field>
      </div>
    </Dialog>
  );
}

/** The page of the iframe on this very server, with the token where no log sees it. */
export function framePlace({ embed_url, token }: IssuedSession): string {
  return `${new URL(embed_url, location.href).pathname}#token=${token}`;
}

function defaultOf(permission: string): boolean {
  return permission === "allow_drill_down" || permission === "allow_export";
}

/** `model=gpt-4` lines as locked filters; several lines of one property are several values. Null when a line is not of this form. */
export function readLocked(text: string): Readonly<Record<string, string | readonly string[]>> | null {
  const found: Record<string, string | string[]> = {};
  for (const line of text.split("\n").map((one) => one.trim()).filter((one) => one !== "")) {
    const at = line.indexOf("=");
    if (at < 1) return null;
    const [name, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    const before = found[name];
    found[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return found;
}
