import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { useAction, useGet, useList, useStored, type Loaded } from "../api/hooks";
import type { Dashboard, DashboardSummary, DraftWidget } from "../api/types";
import { useAnswers, type Look } from "../builder/answers";
import { freeId, freePlace } from "../builder/places";
import { WidgetPanel } from "../builder/widget-panel";
import { looks, starter } from "../charts/gallery";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { navigate } from "../router";
import { useSession } from "../session";
import {
  Bones, Button, Code, copyText, count, decimal, Dialog, Empty, ErrorNote, Field, Icon, Note, PageHead, Section, Segments, Select, useFailure,
  useToast,
} from "../ui";
import { words } from "../words";
import { csvOf, textOf } from "./csv";
import { useDiscovery } from "./events";
import { formatSQL } from "./format-sql";
import { identifier, sqlOf } from "./query-sql";
import { SqlEditor, type EditorHandle } from "./sql-editor";

const w = words.query;

interface DatasetColumn {
  readonly name: string;
  /** How it is written in a query. */
  readonly sql: string;
  readonly type: string;
  readonly description?: string;
  readonly examples?: readonly string[];
  /** Which events have it; of properties only. */
  readonly events?: readonly string[];
}

interface Dataset {
  readonly name: string;
  readonly description?: string;
  readonly columns: readonly DatasetColumn[];
}

interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly stats: { readonly wall_ms: number; readonly rows_returned: number; readonly truncated: boolean };
}

type Mode = "visual" | "sql" | "split";
const mostHistory = 30;
/** Rows that are drawn; copies hold them all. */
const mostShown = 1000;

export function QueryBuilderPage(): JSX.Element {
  const { organization, environment } = useSession();
  const [mode, setMode] = useStored<Mode>("emban.query.mode", "split");
  const [sql, setSql] = useStored(`emban.sql.${organization.id}`, "");
  const datasets = useGet<{ readonly data: readonly Dataset[] }>("/v1/datasets", { environment });
  const spelled = useMemo(() => new Map((datasets.data?.data ?? []).flatMap(({ columns }) => columns.map((column) => [column.name, column.sql] as const))), [datasets.data]);
  const take = (widget: DraftWidget) => {
    setSql(sqlOf(widget, (name) => spelled.get(name) ?? identifier(name)));
    if (mode === "visual") setMode("split");
  };
  return (
    <div className="page wide">
      <PageHead
        title={w.title} text={w.text}
        actions={<Segments<Mode> label={w.mode} value={mode} onPick={setMode} options={[{ value: "visual", label: w.visual }, { value: "split", label: w.split }, { value: "sql", label: w.sql }]} />}
      />
      {mode !== "sql" && <Visual onSQL={take} />}
      {mode !== "visual" && <Sql datasets={datasets} sql={sql} setSql={setSql} />}
    </div>
  );
}

/** A question by choice: the panel of the builder, its chart, and the way into a dashboard. */
function Visual({ onSQL }: { readonly onSQL: (widget: DraftWidget) => void }): JSX.Element {
  const { environment, organization, can } = useSession();
  const { events, isReady } = useDiscovery();
  const [edited, setEdited] = useState<DraftWidget | null>(null);
  const [isSaving, setSaving] = useState(false);
  const theme = useResolvedTheme(undefined);
  const first = useMemo(() => {
    const line = looks.find(({ chart }) => chart === "line");
    return isReady && line ? starter(line, "w_query", events) : null;
  }, [isReady, events]);
  const widget = edited ?? first;
  const look = useMemo<Look>(() => ({ tenant: "", timezone: organization.time_zone ?? "", environment }), [environment, organization.time_zone]);
  const answers = useAnswers(widget ? [widget] : [], null, look);
  const shown = widget ? answers.of(widget) : null;
  const asked = shown?.answer && "error" in shown.answer ? shown.answer.error : null;
  return (
    <Section title={w.visual} actions={<><Button small icon="query" disabled={!widget} onClick={() => widget && onSQL(widget)}>{w.asSQL}</Button>{can("edit") && <Button small icon="plus" disabled={!widget} onClick={() => setSaving(true)}>{w.widget}</Button>}</>} flush>
      <div className="query-visual">
        <div className="query-panel">
          <WidgetPanel
            widget={widget} events={events} period={null} canEdit problemOf={(member) => asked?.of(member) ?? null} onChange={setEdited}
            onDuplicate={() => undefined} onRemove={() => setEdited(null)} onAdd={() => undefined}
          />
        </div>
        <div className="query-chart">
          {widget && shown && <WidgetCard widget={widget} answer={shown.answer} isStale={shown.isStale} theme={theme} onRetry={answers.retry} />}
        </div>
      </div>
      {isSaving && widget && <SaveDialog widget={widget} onClose={() => setSaving(false)} />}
    </Section>
  );
}

function SaveDialog({ widget, onClose }: { readonly widget: DraftWidget; readonly onClose: () => void }): JSX.Element {
  const dashboards = useList<DashboardSummary>("/v1/dashboards", { limit: 200 });
  const [chosen, setChosen] = useState("");
  const id = chosen || dashboards.rows?.[0]?.id || "";
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    const dashboard = await api.get<Dashboard>(`/v1/dashboards/${id}`);
    const widgets = dashboard.widgets ?? [];
    const placed = { ...widget, id: freeId("w_", widgets), position: freePlace(widgets, widget.position.w, widget.position.h) };
    await api.patch(`/v1/dashboards/${id}`, { widgets: [...widgets, placed] }, { ifMatch: dashboard.revision });
    toast(w.saved);
    navigate(`/dashboards/${id}`);
  });
  return (
    <Dialog title={w.widget} size="small" onClose={onClose} footer={<><Button onClick={onClose}>{words.common.cancel}</Button><Button kind="primary" busy={isBusy} disabled={id === ""} onClick={run}>{words.common.save}</Button></>}>
      <div className="stack">
        <p className="muted">{w.saveText}</p>
        <Field label={w.dashboard}>
          {(ids) => <Select {...ids} value={id} onPick={setChosen} options={(dashboards.rows ?? []).map((one) => ({ value: one.id, label: one.name }))} />}
        </Field>
        {error && <Note tone="bad">{error.message}</Note>}
      </div>
    </Dialog>
  );
}

interface SqlProps {
  readonly datasets: Loaded<{ readonly data: readonly Dataset[] }>;
  readonly sql: string;
  readonly setSql: (sql: string) => void;
}

function Sql({ datasets, sql, setSql }: SqlProps): JSX.Element {
  const { organization, environment } = useSession();
  const [history, setHistory] = useStored<readonly string[]>(`emban.sql-history.${organization.id}`, []);
  const [answer, setAnswer] = useState<SqlAnswer | null>(null);
  const [side, setSide] = useState<"tables" | "history">("tables");
  const [ddl, setDdl] = useState<{ readonly name: string; readonly ddl: string } | null>(null);
  const editor = useRef<EditorHandle | null>(null);
  const running = useRef<AbortController | null>(null);
  const toast = useToast();
  const fail = useFailure();
  const { run, isBusy, error } = useAction(async () => {
    const text = sql.trim();
    if (text === "") return;
    setHistory([text, ...history.filter((one) => one !== text)].slice(0, mostHistory));
    const abort = new AbortController();
    running.current = abort;
    setAnswer(await api.post<SqlAnswer>("/v1/sql", { sql, environment }, { signal: abort.signal }));
  });
  useEffect(() => () => running.current?.abort(), []);
  const position = error?.body["position"] as { line: number; column: number } | null | undefined;
  const line = position?.line ?? null;
  const column = position?.column ?? null;
  useEffect(() => editor.current?.mark(line === null || column === null ? null : { line, column }), [line, column, error]);
  const tables = useMemo(() => Object.fromEntries((datasets.data?.data ?? []).map(({ name, columns }) => [name, columns.map((one) => one.sql)])), [datasets.data]);
  if (datasets.error?.isMissing) return <Section><Empty icon="query" title={w.unavailable} text={datasets.error.message} /></Section>;
  const copy = (text: string) => void copyText(text).then((ok) => ok && toast(words.common.copied));
  const names = answer?.columns.map(({ name }) => name) ?? [];
  return (
    <div className="query-sql">
      <aside className="query-side">
        <Segments label={w.tables} value={side} onPick={setSide} options={[{ value: "tables", label: w.tables }, { value: "history", label: w.history }]} />
        {side === "tables" && datasets.error && <ErrorNote error={datasets.error} onRetry={datasets.reload} />}
        {side === "tables" && !datasets.data && !datasets.error && <Bones rows={6} height={28} />}
        {side === "tables" && datasets.data?.data.map((dataset) => (
          <Tree
            key={dataset.name} dataset={dataset} onInsert={(text) => editor.current?.insert(text)}
            onDdl={() => void api.get<{ name: string; ddl: string }>(`/v1/datasets/${encodeURIComponent(dataset.name)}/ddl`, { environment }).then(setDdl, fail)}
          />
        ))}
        {side === "history" && (
          <ul className="tree">
            {history.length === 0 && <li className="muted small">{w.noHistory}</li>}
            {history.map((one) => <li key={one}><button type="button" className="history-item" onClick={() => setSql(one)}><code>{one}</code></button></li>)}
          </ul>
        )}
      </aside>
      <div className="stack">
        <Section
          flush title={w.sql}
          actions={
            <>
              <Button small onClick={() => setSql(formatSQL(sql))}>{w.format}</Button>
              {isBusy ? <Button small icon="close" onClick={() => running.current?.abort()}>{words.common.cancel}</Button> : <Button small kind="primary" icon="play" disabled={sql.trim() === ""} title={w.runHint} onClick={run}>{w.run}</Button>}
            </>
          }
        >
          <SqlEditor value={sql} onText={setSql} onRun={run} tables={tables} handle={editor} />
        </Section>
        {error && (
          <Note tone="bad" title={position ? w.at(position.line, position.column) : undefined}>
            {error.details[0] ? `${error.details[0].field}: ${error.details[0].expected}` : error.message}
          </Note>
        )}
        <Section
          flush title={w.results} text={answer ? [w.rows(count(answer.stats.rows_returned), decimal(answer.stats.wall_ms)), answer.stats.truncated ? w.truncated : ""].filter(Boolean).join(", ") : undefined}
          actions={answer && answer.rows.length > 0 && (
            <>
              <Button small kind="quiet" icon="copy" onClick={() => copy(csvOf(names, answer.rows))}>{w.copyCSV}</Button>
              <Button
                small kind="quiet" icon="copy"
                onClick={() => copy(JSON.stringify(answer.rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]]))), null, 2))}
              >
                {w.copyJSON}
              </Button>
            </>
          )}
        >
          {!answer && <Empty icon="query" title={w.empty} text={w.emptyText} />}
          {answer && answer.rows.length === 0 && <Empty icon="table" title={w.noRows} />}
          {answer && answer.rows.length > 0 && (
            <div className="table-scroll results" tabIndex={0} role="region" aria-label={w.results}>
              <table className="table">
                <thead>
                  <tr>
                    {answer.columns.map((one, index) => (
                      <th key={index} scope="col" className={isNumber(one.type) ? "num" : undefined} title={/Int(64|128|256)/.test(one.type) ? w.bigNumbers : one.type}>
                        {one.name}<span className="type">{plainType(one.type)}</span>
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {answer.rows.slice(0, mostShown).map((row, index) => (
                    <tr key={index}>
                      {row.map((value, at) => <td key={at} className={isNumber(answer.columns[at]?.type ?? "") ? "num" : undefined}>{value === null ? <span className="muted">NULL</span> : textOf(value)}</td>)}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {answer && answer.rows.length > mostShown && <p className="muted small pad">{w.shown(count(mostShown))}</p>}
        </Section>
      </div>
      {ddl && <Dialog title={ddl.name} size="large" onClose={() => setDdl(null)}><Code text={ddl.ddl} label={ddl.name} /></Dialog>}
    </div>
  );
}

/** The columns that every event has, and then the properties, by the events that have them. */
function Tree({ dataset, onInsert, onDdl }: { readonly dataset: Dataset; readonly onInsert: (text: string) => void; readonly onDdl: () => void }): JSX.Element {
  const fixed = dataset.columns.filter(({ events }) => events === undefined);
  const groups = new Map<string, DatasetColumn[]>();
  for (const column of dataset.columns) for (const event of column.events ?? []) groups.set(event, [...(groups.get(event) ?? []), column]);
  const list = (columns: readonly DatasetColumn[]) => (
    <ul>
      {columns.map((column) => (
        <li key={column.name}>
          <button type="button" className="tree-column" title={[column.description, column.examples?.slice(0, 3).join(", ")].filter(Boolean).join("\n")} onClick={() => onInsert(column.sql)}>
            <code className="cut">{column.name.replace(/^(string|numeric)_props\./, "")}</code>
            <span>{plainType(column.type)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
  return (
    <div className="tree">
      <div className="row spread">
        <button type="button" className="tree-table" title={dataset.description} onClick={() => onInsert(dataset.name)}>
          <Icon name="table" size={14} />
          <code>{dataset.name}</code>
        </button>
        <Button small kind="quiet" onClick={onDdl}>DDL</Button>
      </div>
      {list(fixed)}
      {[...groups].map(([event, columns], index) => (
        <details key={event} open={index === 0}>
          <summary><span className="cut">{event}</span></summary>
          {list(columns)}
        </details>
      ))}
    </div>
  );
}

function plainType(type: string): string {
  return type.replace(/^(?:Nullable|LowCardinality)\((.*)\)$/, "$1").replace(/^(?:Nullable|LowCardinality)\((.*)\)$/, "$1");
}

function isNumber(type: string): boolean {
  return /^(U?Int\d|Float\d|Decimal)/.test(plainType(type));
}
