import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { useAction, useStored, type Loaded } from "../api/hooks";
import { useSession } from "../session";
import { Bones, Button, Code, Dialog, Empty, ErrorNote, Icon, Note, Section, Segments, useFailure } from "../ui";
import { words } from "../words";
import { plainType } from "./csv";
import { formatSQL } from "./format-sql";
import type { Completion } from "./sql-completion";
import { fitHistory } from "./sql-history";
import { SqlEditor, type EditorHandle } from "./sql-editor";
import { SqlResults, type SqlAnswer } from "./sql-results";

const w = words.query;

export interface DatasetColumn {
  readonly name: string;
  /** How it is written in a query. */
  readonly sql: string;
  readonly type: string;
  readonly description?: string;
  readonly examples?: readonly string[];
  /** Which events have it; of properties only. */
  readonly events?: readonly string[];
}

export interface Dataset {
  readonly name: string;
  readonly description?: string;
  readonly columns: readonly DatasetColumn[];
}

/** Questions that run as they stand on any organisation's events. */
const examples: readonly { readonly label: string; readonly sql: string }[] = [
  { label: w.examples.days, sql: "SELECT toDate(timestamp) AS day, count() AS events\nFROM events\nWHERE timestamp >= now() - INTERVAL 30 DAY\nGROUP BY day\nORDER BY day" },
  {
    label: w.examples.customers,
    sql: "SELECT tenant_id, count() AS events, uniqExact(user_id) AS users, max(timestamp) AS last_seen\nFROM events\nGROUP BY tenant_id\nORDER BY events DESC\nLIMIT 20",
  },
  { label: w.examples.newest, sql: "SELECT timestamp, tenant_id, event_name, user_id, string_props, numeric_props\nFROM events\nORDER BY timestamp DESC\nLIMIT 50" },
];

interface WorkbenchProps {
  readonly datasets: Loaded<{ readonly data: readonly Dataset[] }>;
  readonly sql: string;
  readonly setSql: (sql: string) => void;
  /** Of this environment; it outlives this part of the page. */
  readonly answer: SqlAnswer | null;
  readonly setAnswer: (answer: SqlAnswer) => void;
}

/** SQL: what there is at the side, the text, and what it answers. */
export function SqlWorkbench({ datasets, sql, setSql, answer, setAnswer }: WorkbenchProps): JSX.Element {
  const { organization, user, environment } = useSession();
  const [history, setHistory] = useStored<readonly string[]>(`emban.sql-history.${organization.id}.${user.id}`, []);
  const [side, setSide] = useState<"tables" | "history">("tables");
  const [ddl, setDdl] = useState<{ readonly name: string; readonly ddl: string } | null>(null);
  const editor = useRef<EditorHandle | null>(null);
  const running = useRef<AbortController | null>(null);
  const fail = useFailure();
  const { run, isBusy, error } = useAction(async (given: string) => {
    const text = given.trim();
    if (text === "") return;
    setHistory(fitHistory(text, history));
    const abort = new AbortController();
    running.current = abort;
    setAnswer(await api.post<SqlAnswer>("/v1/sql", { sql: given, environment }, { signal: abort.signal }));
  });
  useEffect(() => () => running.current?.abort(), []);
  const position = error?.body["position"] as { line: number; column: number } | null | undefined;
  const line = position?.line ?? null;
  const column = position?.column ?? null;
  useEffect(() => editor.current?.mark(line === null || column === null ? null : { line, column }), [line, column, error]);
  const completions = useMemo<readonly Completion[]>(
    () => (datasets.data?.data ?? []).flatMap(({ name, columns }) => [
      { text: name, note: w.tables }, ...columns.map((one) => ({ text: one.sql, note: plainType(one.type) })),
    ]),
    [datasets.data],
  );
  if (datasets.error?.isMissing) return <Section><Empty icon="query" title={w.unavailable} text={datasets.error.message} /></Section>;
  const take = (text: string) => {
    setSql(text);
    editor.current?.focus();
  };
  return (
    <div className="query-sql">
      <aside className="query-side" aria-label={w.tables}>
        <Segments
          label={w.tables} value={side} onPick={setSide} options={[{ value: "tables", label: w.tables }, { value: "history", label: w.history }]}
        />
        {side === "tables" && datasets.error && <ErrorNote error={datasets.error} onRetry={datasets.reload} />}
        {side === "tables" && !datasets.data && !datasets.error && <Bones rows={6} height={28} />}
        {side === "tables" && datasets.data?.data.map((dataset) => (
          <Tree
            key={dataset.name} dataset={dataset} onInsert={(text) => editor.current?.insert(text)}
            onDdl={() => {
              api.get<{ name: string; ddl: string }>(`/v1/datasets/${encodeURIComponent(dataset.name)}/ddl`, { environment }).then(setDdl, fail);
            }}
          />
        ))}
        {side === "history" && (history.length === 0 ? <p className="muted small">{w.noHistory}</p> : (
          <>
            <ul className="tree">
              {history.map((one) => (
                <li key={one}><button type="button" className="history-item" onClick={() => take(one)}><code>{one}</code></button></li>
              ))}
            </ul>
            <Button small kind="quiet" icon="trash" onClick={() => setHistory([])}>{w.clearHistory}</Button>
          </>
        ))}
      </aside>
      <div className="stack">
        <Section
          flush title={w.sql}
          actions={
            <>
              <Button small disabled={sql.trim() === ""} onClick={() => setSql(formatSQL(sql))}>{w.format}</Button>
              {isBusy ? (
                <>
                  <Running />
                  <Button small icon="close" onClick={() => running.current?.abort()}>{words.common.cancel}</Button>
                </>
              ) : (
                <Button small kind="primary" icon="play" disabled={sql.trim() === ""} title={w.runHint} onClick={() => run(sql)}>{w.run}</Button>
              )}
            </>
          }
        >
          <SqlEditor value={sql} onText={setSql} onRun={run} completions={completions} handle={editor} />
        </Section>
        {error && (
          <Note tone="bad" title={position ? w.at(position.line, position.column) : undefined}>
            {error.message}
          </Note>
        )}
        {answer ? <SqlResults answer={answer} isStale={isBusy} /> : (
          <Section flush title={w.results}>
            <Empty icon="query" title={w.empty} text={w.emptyText}>
              {examples.map((one) => <Button key={one.label} small onClick={() => take(one.sql)}>{one.label}</Button>)}
            </Empty>
          </Section>
        )}
      </div>
      {ddl && <Dialog title={w.ddlOf(ddl.name)} size="large" onClose={() => setDdl(null)}><Code text={ddl.ddl} label={w.ddlOf(ddl.name)} /></Dialog>}
    </div>
  );
}

/** For how long it has been running: nothing for the first second, in which most things end. */
function Running(): JSX.Element | null {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span className="muted small" role="status">{seconds > 0 ? w.running(seconds) : ""}</span>;
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
          <button
            type="button" className="tree-column" title={[column.description, column.examples?.slice(0, 3).join(", ")].filter(Boolean).join("\n")}
            onClick={() => onInsert(column.sql)}
          >
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
        <Button small kind="quiet" aria-label={`${w.ddl}: ${dataset.name}`} onClick={onDdl}>{w.ddl}</Button>
      </div>
      {list(fixed)}
      {[...groups].map(([event, columns], index) => (
        <details key={event} open={index === 0}>
          <summary><Icon name="right" size={12} /><span className="cut">{event}</span></summary>
          {list(columns)}
        </details>
      ))}
    </div>
  );
}
