import { useMemo, useRef } from "react";
import { api, asApiError } from "../api/client";
import { useGet } from "../api/hooks";
import type { Dashboard, Version } from "../api/types";
import { readConfigFile } from "../pages/dashboards";
import { navigate } from "../router";
import { Badge, Button, Combo, IconButton, Menu, useFailure, useToast, type MenuItem } from "../ui";
import { words } from "../words";
import { diff } from "./diff";
import { download, type Draft } from "./draft";

const w = words.builder;

export type Open = "gallery" | "publish" | "preview" | "versions" | null;

interface TopBarProps {
  readonly draft: Draft;
  readonly canEdit: boolean;
  readonly canPublish: boolean;
  /** Has as many widgets as a dashboard may have. */
  readonly isFull: boolean;
  readonly tenant: string;
  readonly tenants: readonly { readonly value: string }[];
  readonly onTenant: (tenant: string) => void;
  readonly onOpen: (open: Open) => void;
  readonly onReplaced: () => void;
}

export function TopBar({ draft, canEdit, canPublish, isFull, tenant, tenants, onTenant, onOpen, onReplaced }: TopBarProps): JSX.Element {
  const { config, meta, status } = draft;
  const file = useRef<HTMLInputElement>(null);
  const toast = useToast();
  const fail = useFailure();
  // The server copies what it has.
  const duplicate = async () => {
    if (!(await draft.flush())) {
      toast(w.duplicateUnsaved, "bad");
      return;
    }
    const copy = await api.post<Dashboard>(`/v1/dashboards/${meta.id}/duplicate`);
    navigate(`/dashboards/${copy.id}`);
  };
  const importFile = async (chosen: File) => {
    const next = readConfigFile(await chosen.text());
    if (!next) {
      toast(words.dashboards.importFailed, "bad");
      return;
    }
    try {
      // The server fills in what files may leave out. The draft keeps its own address.
      await draft.replace({ ...next, slug: config.slug ?? meta.slug });
      onReplaced();
      toast(w.imported);
    } catch (error) {
      const { message, details: [first] } = asApiError(error);
      toast(first ? `${first.field}: ${first.expected}` : message, "bad");
    }
  };
  const items: (MenuItem | "line")[] = [
    { label: w.versions, icon: "history", run: () => onOpen("versions") },
    ...(canPublish && meta.status === "published"
      ? [{ label: w.session, icon: "session",
        run: () => navigate(`/sessions?new=1&dashboard=${meta.id}${tenant === "" ? "" : `&tenant=${encodeURIComponent(tenant)}`}`) } as const] : []),
    "line",
    ...(canEdit
      ? [
          {
            label: w.duplicate, icon: "copy",
            run: () => void duplicate().catch(fail),
          } as const,
        ]
      : []),
    { label: w.export, icon: "download", run: () => download(`${config.slug ?? meta.slug}.json`, config) },
    ...(canEdit ? [{ label: w.import, icon: "upload", run: () => file.current?.click() } as const] : []),
  ];
  return (
    <header className="topbar">
      <div className="topbar-part">
        <IconButton icon="back" label={w.back} onClick={() => navigate("/dashboards")} />
        <input
          className="topbar-name" aria-label={w.name} value={config.name} readOnly={!canEdit} size={Math.max(8, Math.min(36, config.name.length + 1))}
          maxLength={200}
          onChange={(event) => draft.edit((before) => ({ ...before, name: event.target.value }), "name")}
        />
        <Publication draft={draft} />
        {canEdit && <span className="topbar-status" role="status" data-status={status}>{w.status[status]}</span>}
        {!canEdit && <span title={w.readOnly}><Badge>{w.readOnlyBadge}</Badge></span>}
      </div>
      <div className="topbar-part">
        {canEdit && (
          <>
            <IconButton icon="undo" label={w.undo} disabled={!draft.canUndo} onClick={draft.undo} />
            <IconButton icon="redo" label={w.redo} disabled={!draft.canRedo} onClick={draft.redo} />
          </>
        )}
        <span className="topbar-tenant">
          <Combo ids={{ "aria-label": w.tenant }} clearable value={tenant} onPick={onTenant} suggestions={tenants} placeholder={w.allTenants} />
        </span>
        {canEdit && <Button icon="plus" title={w.add} disabled={isFull} onClick={() => onOpen("gallery")}>{w.add}</Button>}
        <Button icon="eye" title={w.preview} onClick={() => onOpen("preview")}>{w.preview}</Button>
        {canPublish && <Button kind="primary" icon="publish" onClick={() => onOpen("publish")}>{w.publish}</Button>}
        <Menu label={w.more} items={items} />
        <input
          ref={file} type="file" accept="application/json,.json" hidden
          onChange={(event) => {
            const chosen = event.target.files?.[0];
            event.target.value = "";
            if (chosen) void importFile(chosen).catch(fail);
          }}
        />
      </div>
    </header>
  );
}

/** What customers see, and whether the draft is another. */
function Publication({ draft }: { readonly draft: Draft }): JSX.Element {
  const { id, published_version: live, status } = draft.meta;
  const version = useGet<Version>(live === null || status !== "published" ? null : `/v1/dashboards/${id}/versions/${live}`);
  const config = version.data?.version === live ? version.data?.config : undefined;
  const isAhead = useMemo(() => config !== undefined && diff(config, draft.config).count > 0, [config, draft.config]);
  if (live === null || status !== "published") return <span className="topbar-live"><Badge>{status === "unpublished" ? w.offlineBadge : w.notLive}</Badge></span>;
  return <span className="topbar-live">{isAhead ? <Badge tone="warn" dot>{w.ahead(live)}</Badge> : <Badge tone="good" dot>{w.live(live)}</Badge>}</span>;
}
