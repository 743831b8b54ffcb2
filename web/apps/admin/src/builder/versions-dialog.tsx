import { useMemo, useState } from "react";
import { api, asApiError } from "../api/client";
import { useAction, useGet, useList } from "../api/hooks";
import type { Dashboard, Version } from "../api/types";
import { Ago, Badge, Bones, Button, Dialog, Empty, ErrorNote, Note, useToast } from "../ui";
import { words } from "../words";
import type { Look } from "./answers";
import { diff } from "./diff";
import type { Draft } from "./draft";
import { Changes } from "./publish-dialog";

const w = words.versions;

interface VersionsProps {
  readonly draft: Draft;
  readonly look: Look;
  readonly canEdit: boolean;
  readonly onClose: () => void;
}

export function VersionsDialog({ draft, look, canEdit, onClose }: VersionsProps): JSX.Element {
  const { id } = draft.meta;
  const versions = useList<Version>(`/v1/dashboards/${id}/versions`);
  const [chosen, setChosen] = useState<number | null>(null);
  const number = chosen ?? versions.rows?.[0]?.version ?? null;
  const whole = useGet<Version>(number === null ? null : `/v1/dashboards/${id}/versions/${number}`);
  const toast = useToast();
  const restore = useAction(async () => {
    if (number === null || !(await draft.flush())) return;
    try {
      draft.adopt(await api.post<Dashboard>(`/v1/dashboards/${id}/restore`, { version: number }, { ifMatch: draft.revision() }));
    } catch (failure) {
      if (asApiError(failure).code === "revision_conflict") await draft.fallBehind().catch(() => undefined);
      throw failure;
    }
    toast(w.restored(number));
    onClose();
  });
  const version = whole.data?.version === number ? whole.data : null;
  const difference = useMemo(() => (version?.config ? diff(version.config, draft.config) : null), [version, draft.config]);
  return (
    <Dialog
      title={w.title} size="large" onClose={onClose} bare
      footer={canEdit && (
        <Button kind="primary" icon="history" busy={restore.isBusy} disabled={number === null || difference?.count === 0} onClick={restore.run}>{w.restore}</Button>
      )}
    >
      <div className="versions">
        <div className="versions-list">
          {versions.error && <ErrorNote error={versions.error} onRetry={versions.reload} />}
          {versions.rows === null && !versions.error && <Bones rows={4} />}
          {versions.rows?.length === 0 && <p className="muted pad">{w.none}</p>}
          {versions.rows?.map((one) => (
            <button key={one.version} type="button" className="version" aria-pressed={one.version === number} onClick={() => setChosen(one.version)}>
              <span className="row spread"><span className="strong">{w.version(one.version)}</span>{one.live && <Badge tone="good" dot>{w.live}</Badge>}</span>
              <span className="muted small"><Ago at={one.published_at} /></span>
            </button>
          ))}
          {versions.hasMore && <Button small onClick={versions.more}>{words.common.more}</Button>}
        </div>
        <div className="versions-show stack">
          <Note>{w.text}</Note>
          {restore.error && <Note tone="bad">{restore.error.message}</Note>}
          {whole.error && <ErrorNote error={whole.error} onRetry={whole.reload} />}
          {version?.config && difference && (difference.count === 0 ? (
            <Empty icon="check" title={w.same} />
          ) : (
            <Changes
              key={version.version} before={version.config} after={draft.config} difference={difference} beforeName={w.version(version.version)}
              afterName={words.publish.draft} look={look}
            />
          ))}
        </div>
      </div>
    </Dialog>
  );
}
