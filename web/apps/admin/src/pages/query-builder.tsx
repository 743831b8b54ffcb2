import { useMemo, useState } from "react";
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
import { consoleTheme } from "../tokens";
import { Button, Dialog, Field, Note, PageHead, Section, Segments, Select, TextInput, useToast } from "../ui";
import { words } from "../words";
import { create } from "./dashboards";
import { useDiscovery } from "./events";
import { identifier, sqlOf } from "./query-sql";
import type { SqlAnswer } from "./sql-results";
import { SqlWorkbench, type Dataset } from "./sql-workbench";

const w = words.query;

type Mode = "visual" | "sql" | "split";

export function QueryBuilderPage(): JSX.Element {
  const { organization, user, environment } = useSession();
  const [mode, setMode] = useStored<Mode>("emban.query.mode", "split");
  const [sql, setSql] = useStored(`emban.sql.${organization.id}.${user.id}`, "");
  // Kept here, so that looking at the one half takes nothing of the other.
  const [edited, setEdited] = useState<DraftWidget | null>(null);
  const [answered, setAnswered] = useState<{ readonly environment: string; readonly answer: SqlAnswer } | null>(null);
  const datasets = useGet<{ readonly data: readonly Dataset[] }>("/v1/datasets", { environment });
  const spelled = useMemo(
    () => new Map((datasets.data?.data ?? []).flatMap(({ columns }) => columns.map((column) => [column.name, column.sql] as const))), [datasets.data],
  );
  const take = (widget: DraftWidget) => {
    setSql(sqlOf(widget, (name) => spelled.get(name) ?? identifier(name)));
    if (mode === "visual") setMode("split");
  };
  return (
    <div className="page wide">
      <PageHead
        title={w.title} text={w.text}
        actions={
          <Segments<Mode>
            label={w.mode} value={mode} onPick={setMode}
            options={[{ value: "visual", label: w.visual }, { value: "split", label: w.split }, { value: "sql", label: w.sql }]}
          />
        }
      />
      {mode !== "sql" && <Visual onSQL={take} edited={edited} setEdited={setEdited} />}
      {mode !== "visual" && (
        <SqlWorkbench
          key={environment} datasets={datasets} sql={sql} setSql={setSql} answer={answered?.environment === environment ? answered.answer : null}
          setAnswer={(answer) => setAnswered({ environment, answer })}
        />
      )}
    </div>
  );
}

/** A question by choice: the panel of the builder, its chart, and the way into a dashboard. */
function Visual({ onSQL, edited, setEdited }: {
  readonly onSQL: (widget: DraftWidget) => void; readonly edited: DraftWidget | null; readonly setEdited: (widget: DraftWidget | null) => void;
}): JSX.Element {
  const { environment, organization, can } = useSession();
  const { events, isReady } = useDiscovery();
  const [isSaving, setSaving] = useState(false);
  const theme = useResolvedTheme(consoleTheme);
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
    <Section
      flush title={w.visual}
      actions={
        <>
          <Button small icon="query" disabled={!widget?.query} onClick={() => widget && onSQL(widget)}>{w.asSQL}</Button>
          {can("edit") && <Button small icon="plus" disabled={!widget} onClick={() => setSaving(true)}>{w.widget}</Button>}
        </>
      }
    >
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

/** Stands for a dashboard that is to be made. */
const another = "+";

function SaveDialog({ widget, onClose }: { readonly widget: DraftWidget; readonly onClose: () => void }): JSX.Element {
  const dashboards = useList<DashboardSummary>("/v1/dashboards", { limit: 200 }, { all: true });
  const [chosen, setChosen] = useState("");
  const [name, setName] = useState("");
  const target = chosen || (dashboards.rows?.[0]?.id ?? another);
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    const place = (widgets: readonly DraftWidget[], wasPublished: boolean) => [
      ...widgets, { ...widget, id: freeId("w_", widgets, wasPublished), position: freePlace(widgets, widget.position.w, widget.position.h) },
    ];
    let id = target;
    if (target === another) {
      const made = await create({
        name: name.trim(), filters: [{ id: "f_period", type: "period", default: "30d", options: ["24h", "7d", "30d", "90d"] }], widgets: place([], false),
      });
      id = made.id;
    } else {
      const dashboard = await api.get<Dashboard>(`/v1/dashboards/${target}`);
      await api.patch(`/v1/dashboards/${target}`, { widgets: place(dashboard.widgets ?? [], dashboard.last_version > 0) }, { ifMatch: dashboard.revision });
    }
    toast(w.saved);
    navigate(`/dashboards/${id}`);
  });
  return (
    <Dialog
      title={w.widget} size="small" onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{words.common.cancel}</Button>
          <Button
            kind="primary" type="submit" form="save-widget" busy={isBusy} disabled={dashboards.rows === null || (target === another && name.trim() === "")}
          >
            {words.common.save}
          </Button>
        </>
      }
    >
      <form
        id="save-widget" className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <p className="muted">{w.saveText}</p>
        <Field label={w.dashboard}>
          {(ids) => (
            <Select
              {...ids} value={target} onPick={setChosen}
              options={[...(dashboards.rows ?? []).map((one) => ({ value: one.id, label: one.name })), { value: another, label: w.newDashboard }]}
            />
          )}
        </Field>
        {target === another && (
          <Field label={w.newName} error={error?.of("name")}>
            {(ids) => <TextInput {...ids} value={name} onText={setName} maxLength={200} />}
          </Field>
        )}
        {error && <Note tone="bad">{error.message}</Note>}
      </form>
    </Dialog>
  );
}
