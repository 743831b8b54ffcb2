import { useMemo, useState } from "react";
import { asApiError, send } from "../api/client";
import { useAction, useGet } from "../api/hooks";
import type { DraftConfig, DraftWidget, Version } from "../api/types";
import { lookName, widgetName } from "../charts/gallery";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { Badge, Bones, Button, Dialog, Empty, ErrorNote, Note, useToast, type Tone } from "../ui";
import { words } from "../words";
import { periodOf, useAnswers, type Look } from "./answers";
import { diff, type ChangeKind, type Difference } from "./diff";
import type { Draft } from "./draft";
import { Minimap, rowsOf } from "./minimap";

const w = words.publish;

export const tones: Readonly<Record<ChangeKind, Tone>> = { added: "good", removed: "bad", changed: "warn", moved: "info" };

interface PublishProps {
  readonly draft: Draft;
  readonly look: Look;
  readonly onClose: () => void;
}

/** What customers will see that they do not see now; and then the publication. */
export function PublishDialog({ draft, look, onClose }: PublishProps): JSX.Element {
  const { meta, config } = draft;
  const { published_version: live, last_version: last } = meta;
  const version = useGet<Version>(live === null ? null : `/v1/dashboards/${meta.id}/versions/${live}`);
  const toast = useToast();
  const { run, isBusy, error } = useAction(async () => {
    if (!(await draft.flush())) return;
    // What was looked at here, and nothing that somebody saved since.
    const answer = await send("POST", `/v1/dashboards/${meta.id}/publish`, { ifMatch: draft.revision() }).catch(async (failure: unknown) => {
      if (asApiError(failure).code === "revision_conflict") await draft.fallBehind().catch(() => undefined);
      throw failure;
    });
    const number = answer.headers.get("Location")?.split("/").pop() ?? "";
    // It is published, whether or not the page learns it now.
    await draft.refreshMeta().catch(() => undefined);
    toast(isFirst ? w.doneFirst : w.done(number));
    onClose();
  });
  const isFirst = live === null;
  const difference = useMemo(() => (isFirst || version.data?.config ? diff(version.data?.config ?? null, config) : null), [isFirst, version.data, config]);
  const isSame = !isFirst && difference?.count === 0;
  return (
    <Dialog
      title={w.title} size={isFirst || isSame ? "medium" : "large"} onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{words.common.cancel}</Button>
          <Button kind="primary" icon="publish" busy={isBusy} disabled={isSame || difference === null} onClick={run}>{w.actionAs(last + 1)}</Button>
        </>
      }
    >
      <div className="stack">
        {error && (
          <Note tone="bad" title={error.code === "isolation_check_failed" ? w.isolation : undefined}>
            {error.message}
            {error.details.map((problem) => <p key={problem.field}>{problem.field}: {problem.expected}</p>)}
          </Note>
        )}
        {["invalid", "conflict", "failed", "offline"].includes(draft.status) && <Note tone="warn">{w.unsaved}</Note>}
        {isBusy && <p className="muted small" role="status">{w.checking}</p>}
        {version.error && <ErrorNote error={version.error} onRetry={version.reload} />}
        {!isFirst && !version.data && !version.error && <Bones rows={6} />}
        {isFirst && <Empty icon="publish" title={w.first} text={w.firstText} />}
        {isSame && <Empty icon="check" title={w.nothing} text={w.nothingText(live ?? 0)} />}
        {difference && !isFirst && !isSame && version.data?.config && (
          <Changes before={version.data.config} after={config} difference={difference} beforeName={w.live(live ?? 0)} afterName={w.draft} look={look} />
        )}
      </div>
    </Dialog>
  );
}

interface ChangesProps {
  readonly before: DraftConfig;
  readonly after: DraftConfig;
  readonly difference: Difference;
  readonly beforeName: string;
  readonly afterName: string;
  readonly look: Look;
}

/** Both states side by side, the list of what differs, and the widget that was chosen as it was and as it will be. */
export function Changes({ before, after, difference, beforeName, afterName, look }: ChangesProps): JSX.Element {
  const { widgets, parts, count } = difference;
  const [chosen, setChosen] = useState<string | null>(widgets.find(({ kind }) => kind === "changed" || kind === "added")?.id ?? widgets[0]?.id ?? null);
  const marks = new Map(widgets.map(({ id, kind }) => [id, kind]));
  const change = widgets.find(({ id }) => id === chosen) ?? null;
  const rows = Math.max(rowsOf(before), rowsOf(after));
  return (
    <>
      <div className="diff">
        {([[beforeName, before], [afterName, after]] as const).map(([name, config]) => (
          <figure key={name}>
            <figcaption>{name}</figcaption>
            <Minimap config={config} marks={marks} chosen={chosen} onChoose={setChosen} label={name} rows={rows} />
          </figure>
        ))}
      </div>
      <h3 className="field-label">{w.changes(count)}</h3>
      <ul className="diff-list">
        {widgets.map(({ id, kind, before: old, after: fresh, fields }) => (
          <li key={id}>
            <button type="button" className="diff-item" aria-pressed={chosen === id} onClick={() => setChosen(id)}>
              <Badge tone={tones[kind]}>{w.kinds[kind]}</Badge>
              <span className="strong cut">{widgetName((fresh ?? old) as DraftWidget)}</span>
              <span className="muted small">
                {kind === "changed" ? fields.map((field) => w.fields[field] ?? field).join(", ") : fresh ?? old ? lookName((fresh ?? old) as DraftWidget) : ""}
              </span>
            </button>
          </li>
        ))}
        {parts.map((part) => (
          <li key={part} className="diff-item">
            <Badge tone="warn">{w.kinds["changed"]}</Badge>
            <span className="strong">{w.parts[part] ?? part}</span>
          </li>
        ))}
      </ul>
      {change && (change.kind === "changed" || change.kind === "added" || change.kind === "removed") && <Sides before={before} after={after}
        old={change.before} fresh={change.after} look={look} />}
    </>
  );
}

function Sides({ before, after, old, fresh, look }: {
  readonly before: DraftConfig; readonly after: DraftConfig; readonly old: DraftWidget | null; readonly fresh: DraftWidget | null;
  readonly look: Look;
}): JSX.Element {
  return (
    <div className="diff">
      <Side name={w.before} config={before} widget={old} look={look} />
      <Side name={w.after} config={after} widget={fresh} look={look} />
    </div>
  );
}

function Side({ name, config, widget, look }: {
  readonly name: string; readonly config: DraftConfig; readonly widget: DraftWidget | null; readonly look: Look;
}): JSX.Element {
  const theme = useResolvedTheme(config.theme);
  const answers = useAnswers(widget ? [widget] : [], periodOf(config), look);
  const shown = widget ? answers.of(widget) : null;
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <div className="diff-card">
        {widget && shown ? <WidgetCard widget={widget} answer={shown.answer} isStale={shown.isStale} theme={theme} tenant={look.tenant}
          onRetry={answers.retry} /> : <span className="muted">–</span>}
      </div>
    </figure>
  );
}
