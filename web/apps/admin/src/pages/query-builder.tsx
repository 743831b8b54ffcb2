import { useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { useAction, useGet, useList, useStored } from "../api/hooks";
import type { Dashboard, DashboardSummary, DraftWidget } from "../api/types";
import { useAnswers, type Look } from "../builder/answers";
import { freeId, freePlace } from "../builder/places";
import { WidgetPanel } from "../builder/widget-panel";
import { looks, starter } from "../charts/gallery";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { navigate } from "../router";
import { useSession } from "../session";
import { Button, copyText, count, decimal, Dialog, Empty, ErrorNote, Field, Icon, Note, PageHead, Section, Segments, Select, useToast } from "../ui";
import { words } from "../words";
import { csvOf, textOf } from "./csv";
import { useDiscovery } from "./events";
import { formatSQL } from "./format-sql";
import { SqlEditor, type EditorHandle } from "./sql-editor";

const w = words.query;

interface Dataset {
  readonly name: string;
  readonly description?: string;
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
}

interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[] | Readonly<Record<string, unknown>>)[];
  readonly stats: { readonly wall_ms: number; readonly rows_returned: number; readonly truncated: boolean };
}

type Mode = "visual" | "sql" | "split";
const mostHistory = 30;

export function QueryBuilderPage(): JSX.Element {
  const [mode, setMode] = useStored<Mode>("emban.query.mode", "split");
  return (
    <div className="page wide">
      <PageHead
        title={w.title} text={w.text}
        actions={<Segments<Mode> label={w.mode} value={mode} onPick={setMode} options={[{ value: "visual", label: w.visual }, { value: "split", label: w.split }, { value: "sql", label: w.sql }]} />}
      />
      {mode === "visual" ? <Visual /> : mode === "sql" ? <Sql /> : <><Visual /><Sql /></>}
    </div>
  );
}

/** A question by choice: the panel of the builder, its chart, and the way into a dashboard. */
function Visual(): JSX.Element {
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
    <Section title={w.visual} actions={can("edit") && <Button small icon="plus" disabled={!widget} onClick={() => setSaving(true)}>{w.widget}</Button>} flush>
      <div className="query-visual">
        <div className="query-panel">
          <WidgetPanel widget={widget} events={events} period={null} canEdit problemOf={(member) => asked?.of(member) ?? null} onChange={setEdited} onDuplicate={() => undefined} onRemove={() => setEdited(null)} onAdd={() => undefined} />
        </div>
        <div className="query-chart">{widget && shown && <WidgetCard widget={widget} answer={shown.answer} isStale={shown.isStale} theme={theme} onRetry={answers.retry} />}</div>
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
        <Field label={w.dashboard}>{(ids) => <Select {...ids} value={id} onPick={setChosen} options={(dashboards.rows ?? []).map((one) => ({ value: one.id, label: one.name }))} />}</Field>
        {error && <Note tone="bad">{error.message}</Note>}
      </div>
    </Dialog>
  );
}

function Sql(): JSX.Element {
  const { organization } = useSession();
  const datasets = useGet<{ readonly data: readonly Dataset[] }>("/v1/datasets");
  const [sql, setSql] = useStored(`emban.sql.${organization.id}`, "");
  const [history, setHistory] = useStored<readonly string[]>(`emban.sql-history.${organization.id}`, []);
  const [answer, setAnswer] = useState<SqlAnswer | null>(null);
  const [side, setSide] = useState<"tables" | "history">("tables");
  const editor = useRef<EditorHandle | null>(null);
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    const text = sql.trim();
    if (text === "") return;
    setHistory([text, ...history.filter((one) => one !== text)].slice(0, mostHistory));
    setAnswer(await api.post<SqlAnswer>("/v1/sql", { sql: text }));
  });
  const tables = useMemo(() => Object.fromEntries((datasets.data?.data ?? []).map(({ name, columns }) => [name, (columns ?? []).map((column) => column.name)])), [datasets.data]);
  if (datasets.error?.isMissing) return <Section><Empty icon="query" title={w.unavailable} text={datasets.error.message} /></Section>;
  const copy = (text: string) => void copyText(text).then((ok) => ok && toast(words.common.copied));
  const cells = answer ? answer.rows.map((row) => answer.columns.map(({ name }, index) => (Array.isArray(row) ? row[index] : (row as Readonly<Record<string, unknown>>)[name]))) : [];
  return (
    <div className="query-sql">
      <aside className="query-side">
        <Segments label={w.tables} value={side} onPick={setSide} options={[{ value: "tables", label: w.tables }, { value: "history", label: w.history }]} />
        {side === "tables" && datasets.error && <ErrorNote error={datasets.error} onRetry={datasets.reload} />}
        {side === "tables" && (
          <ul className="tree">
            {datasets.data?.data.map((dataset) => (
              <li key={dataset.name}>
                <details open>
                  <summary><Icon name="table" size={14} /><code>{dataset.name}</code></summary>
                  <ul>
                    {(dataset.columns ?? []).map((column) => (
                      <li key={column.name}>
                        <button type="button" className="tree-column" onClick={() => editor.current?.insert(column.name)}><code>{column.name}</code><span>{column.type}</span></button>
                      </li>
                    ))}
                  </ul>
                </details>
              </li>
            ))}
          </ul>
        )}
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
          actions={<><Button small onClick={() => setSql(formatSQL(sql))}>{w.format}</Button><Button small kind="primary" icon="play" busy={isBusy} disabled={sql.trim() === ""} title={w.runHint} onClick={run}>{w.run}</Button></>}
        >
          <SqlEditor value={sql} onText={setSql} onRun={run} tables={tables} handle={editor} />
        </Section>
        {error && <Note tone="bad">{error.details[0] ? `${error.details[0].field}: ${error.details[0].expected}` : error.message}</Note>}
        <Section
          flush title={w.results} text={answer ? [w.rows(count(answer.stats.rows_returned), decimal(answer.stats.wall_ms)), answer.stats.truncated ? w.truncated : ""].filter(Boolean).join(", ") : undefined}
          actions={answer && answer.rows.length > 0 && (
            <>
              <Button small kind="quiet" icon="copy" onClick={() => copy(csvOf(answer.columns.map(({ name }) => name), cells))}>{w.copyCSV}</Button>
              <Button small kind="quiet" icon="copy" onClick={() => copy(JSON.stringify(cells.map((row) => Object.fromEntries(answer.columns.map(({ name }, index) => [name, row[index]]))), null, 2))}>{w.copyJSON}</Button>
            </>
          )}
        >
          {!answer && <Empty icon="query" title={w.empty} text={w.emptyText} />}
          {answer && answer.rows.length === 0 && <Empty icon="table" title={w.noRows} />}
          {answer && answer.rows.length > 0 && (
            <div className="table-scroll results" tabIndex={0} role="region" aria-label={w.results}>
              <table className="table">
                <thead><tr>{answer.columns.map((column) => <th key={column.name} scope="col" className={isNumber(column.type) ? "num" : undefined}>{column.name}<span className="type">{column.type}</span></th>)}</tr></thead>
                <tbody>
                  {cells.slice(0, 1000).map((row, index) => (
                    <tr key={index}>{row.map((value, at) => <td key={at} className={isNumber(answer.columns[at]?.type ?? "") ? "num" : undefined}>{textOf(value)}</td>)}</tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Section>
      </div>
    </div>
  );
}

function isNumber(type: string): boolean {
  return /^(Nullable\()?(U?Int|Float|Decimal)/.test(type) || type === "number";
}
