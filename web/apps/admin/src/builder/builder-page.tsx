import type { Positions } from "@emban/core";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, asApiError } from "../api/client";
import { useGet, useList, useStored } from "../api/hooks";
import type { Dashboard, DraftConfig, DraftWidget, Tenant } from "../api/types";
import { starter, type Look as Chart } from "../charts/gallery";
import { useResolvedTheme } from "../charts/widget-card";
import { create, readConfigFile } from "../pages/dashboards";
import { useDiscovery } from "../pages/events";
import { navigate } from "../router";
import { useSession } from "../session";
import { Button, Combo, Empty, ErrorNote, Icon, IconButton, Logo, Menu, Note, useFailure, useToast, type MenuItem } from "../ui";
import { words } from "../words";
import { periodOf, useAnswers, type Look } from "./answers";
import { Canvas } from "./canvas";
import { configOf, download, useDraft, type Draft } from "./draft";
import { filterName, FiltersPanel } from "./filters-panel";
import { Gallery } from "./gallery-dialog";
import { freeId, freePlace, positionsOf, withPositions } from "./places";
import { PreviewDialog } from "./preview-dialog";
import { PublishDialog } from "./publish-dialog";
import { SettingsPanel } from "./settings-panel";
import { ThemeEditor } from "./theme-editor";
import { VersionsDialog } from "./versions-dialog";
import { WidgetPanel } from "./widget-panel";

const w = words.builder;
type Tab = "widget" | "filters" | "theme" | "settings";
const tabs: readonly Tab[] = ["widget", "filters", "theme", "settings"];

export function Builder({ id }: { readonly id: string }): JSX.Element {
  const { data, error, reload } = useGet<Dashboard>(`/v1/dashboards/${id}`);
  if (error && !data) {
    return (
      <div className="splash">
        <ErrorNote error={error} onRetry={reload} />
        <Button icon="back" onClick={() => navigate("/dashboards")}>{w.back}</Button>
      </div>
    );
  }
  if (!data) {
    return (
      <div className="splash">
        <Logo size={32} />
        <p className="sr" role="status">{words.common.loading}</p>
      </div>
    );
  }
  return <Workbench key={data.id} initial={data} />;
}

type Open = "gallery" | "publish" | "preview" | "versions" | null;

function Workbench({ initial }: { readonly initial: Dashboard }): JSX.Element {
  const { can, environment, organization } = useSession();
  const canEdit = can("edit");
  const draft = useDraft(initial, canEdit);
  const { config } = draft;
  const widgets = useMemo(() => config.widgets ?? [], [config.widgets]);
  const [selected, setSelected] = useState<string | null>(null);
  const [tab, setTab] = useState<Tab>(widgets.length === 0 ? "settings" : "widget");
  const [open, setOpen] = useState<Open>(null);
  const [tenant, setTenant] = useStored(`emban.tenant.${organization.id}`, "");
  const { events } = useDiscovery();
  const tenants = useList<Tenant>("/v1/tenants", { environment, limit: 200 });
  const suggestions = (tenants.rows ?? []).map(({ tenant_id }) => ({ value: tenant_id }));
  const theme = useResolvedTheme(config.theme);
  const look = useMemo<Look>(() => ({ tenant, timezone: config.timezone ?? organization.time_zone ?? "", environment }), [tenant, config.timezone, organization.time_zone, environment]);
  const answers = useAnswers(widgets, periodOf(config), look);
  const toast = useToast();
  const panel = useRef<HTMLElement>(null);
  const widget = widgets.find((one) => one.id === selected) ?? null;
  const problems = draft.error?.status === 422 ? draft.error : null;

  const changeWidgets = (change: (widgets: readonly DraftWidget[]) => readonly DraftWidget[], key?: string) => draft.edit((before) => ({ ...before, widgets: change(before.widgets ?? []) }), key);
  const change = (next: DraftWidget, key: string) => changeWidgets((before) => before.map((one) => (one.id === next.id ? next : one)), `${next.id}.${key}`);
  const select = (id: string | null) => {
    setSelected(id);
    if (id !== null) setTab("widget");
  };
  const add = (chart: Chart) => {
    setOpen(null);
    const made = starter(chart, freeId("w_", widgets), events);
    const placed = { ...made, position: freePlace(widgets, chart.w, chart.h) };
    changeWidgets((before) => [...before, placed]);
    select(placed.id);
    requestAnimationFrame(() => document.querySelector(`.cell[data-widget="${placed.id}"]`)?.scrollIntoView({ block: "nearest", behavior: "smooth" }));
  };
  const duplicate = (id: string) => {
    const source = widgets.find((one) => one.id === id);
    if (!source) return;
    const copy = { ...source, id: freeId("w_", widgets), position: freePlace(widgets, source.position.w, source.position.h) };
    changeWidgets((before) => [...before, copy]);
    select(copy.id);
  };
  const remove = (id: string) => {
    changeWidgets((before) => before.filter((one) => one.id !== id));
    if (selected === id) setSelected(null);
    toast(w.removed);
  };
  const arrange = (positions: Positions, key?: string) => draft.edit((before) => withPositions(before, positions), key);
  const openPanel = (id: string) => {
    select(id);
    requestAnimationFrame(() => panel.current?.querySelector<HTMLElement>("select, input, textarea")?.focus());
  };
  useKeys(draft, open !== null);

  /** What the server, or the answer to the question, says is wrong with a member of the selected widget. */
  const problemOf = (member: string): string | null => {
    if (!widget) return null;
    const index = widgets.indexOf(widget);
    const { answer } = answers.of(widget);
    const asked = answer && "error" in answer && answer.error.status === 422 ? answer.error : null;
    return problems?.of(`widgets[${index}].${member}`) ?? asked?.of(member) ?? null;
  };
  const problemOfWidget = (one: DraftWidget): string | null => {
    const index = widgets.indexOf(one);
    return problems?.details.some(({ field }) => field.startsWith(`widgets[${index}]`)) ? problems.of(`widgets[${index}]`) : null;
  };
  return (
    <div className="workbench">
      <a className="skip" href="#canvas">{words.common.skip}</a>
      <TopBar
        draft={draft} canEdit={canEdit} canPublish={can("admin")} tenant={tenant} tenants={suggestions} onTenant={setTenant} onOpen={setOpen}
        onReplaced={() => setSelected(null)}
      />
      <Trouble draft={draft} />
      <div className="bench">
        <main className="canvas" id="canvas" tabIndex={-1} style={{ background: theme.background, color: theme.text, fontFamily: theme.fontFamily ?? undefined }} data-mode={theme.mode}>
          <div className="canvas-page">
            <CanvasHead config={config} theme={theme} onFilters={() => setTab("filters")} />
            {widgets.length === 0 ? (
              <div className="canvas-empty">
                <Empty icon="dashboard" title={w.emptyTitle} text={w.emptyText}>
                  {canEdit && <Button kind="primary" icon="plus" onClick={() => setOpen("gallery")}>{w.add}</Button>}
                  {canEdit && <AutoButton draft={draft} />}
                </Empty>
              </div>
            ) : (
              <Canvas
                config={config} theme={theme} tenant={tenant} timezone={look.timezone} selected={selected} canEdit={canEdit} answerOf={answers.of} problemOf={problemOfWidget} onRetry={answers.retry}
                onSelect={select} onArrange={arrange} onRemove={remove} onDuplicate={duplicate} onOpen={openPanel}
              />
            )}
            {canEdit && widgets.length > 0 && (
              <button type="button" className="canvas-add" onClick={() => setOpen("gallery")}>
                <Icon name="plus" />
                {w.add}
              </button>
            )}
          </div>
        </main>
        <aside className="bench-side" ref={panel}>
          <div className="tabs" role="tablist" aria-label={w.more}>
            {tabs.map((name) => (
              <button
                key={name} type="button" role="tab" className="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="panel" tabIndex={tab === name ? 0 : -1} onClick={() => setTab(name)}
                onKeyDown={(event) => {
                  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
                  if (step === undefined) return;
                  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
                  if (next) setTab(next);
                  document.getElementById(`tab-${next ?? ""}`)?.focus();
                }}
              >
                {w.tabs[name]}
              </button>
            ))}
          </div>
          <div className="bench-panel" id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
            {tab === "widget" && (
              <WidgetPanel
                widget={widget} events={events} period={periodOf(config)} canEdit={canEdit} problemOf={problemOf} onAdd={() => setOpen("gallery")}
                onChange={(next, key) => (key === "position" ? arrange({ ...positionsOf(widgets), [next.id]: next.position }, "position") : change(next, key))}
                onDuplicate={() => widget && duplicate(widget.id)} onRemove={() => widget && remove(widget.id)}
              />
            )}
            {tab === "filters" && <FiltersPanel config={config} events={events} canEdit={canEdit} problemOf={(path) => problems?.of(path) ?? null} onChange={(filters, key) => draft.edit((before) => ({ ...before, filters }), key)} />}
            {tab === "theme" && (
              <fieldset className="panel-form" disabled={!canEdit}>
                <ThemeEditor
                  theme={config.theme ?? {}} problemOf={(member) => problems?.of(`theme.${member}`) ?? null}
                  onChange={(next) => draft.edit((before) => ({ ...before, theme: next }), "theme")}
                />
              </fieldset>
            )}
            {tab === "settings" && <SettingsPanel config={config} id={draft.meta.id} canEdit={canEdit} problemOf={(path) => problems?.of(path) ?? null} onChange={draft.edit} />}
          </div>
        </aside>
      </div>
      {open === "gallery" && <Gallery title={words.gallery.title} theme={config.theme} onPick={add} onClose={() => setOpen(null)} />}
      {open === "publish" && <PublishDialog draft={draft} look={look} onClose={() => setOpen(null)} />}
      {open === "versions" && <VersionsDialog draft={draft} look={look} canEdit={canEdit} onClose={() => setOpen(null)} />}
      {open === "preview" && <PreviewDialog config={config} id={draft.meta.id} look={look} tenants={suggestions} onTenant={setTenant} onClose={() => setOpen(null)} />}
    </div>
  );
}

/** Undo and redo from everywhere but fields, which have their own. */
function useKeys(draft: Draft, isCovered: boolean): void {
  const latest = useRef(draft);
  latest.current = draft;
  useEffect(() => {
    if (isCovered) return undefined;
    const key = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const isField = event.target instanceof Element && event.target.closest("input, textarea, select") !== null;
      const name = event.key.toLowerCase();
      if (name === "s") {
        event.preventDefault();
        void latest.current.flush();
      } else if (!isField && (name === "z" || name === "y")) {
        event.preventDefault();
        if (name === "y" || event.shiftKey) latest.current.redo();
        else latest.current.undo();
      }
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [isCovered]);
}

interface TopBarProps {
  readonly draft: Draft;
  readonly canEdit: boolean;
  readonly canPublish: boolean;
  readonly tenant: string;
  readonly tenants: readonly { readonly value: string }[];
  readonly onTenant: (tenant: string) => void;
  readonly onOpen: (open: Open) => void;
  readonly onReplaced: () => void;
}

function TopBar({ draft, canEdit, canPublish, tenant, tenants, onTenant, onOpen, onReplaced }: TopBarProps): JSX.Element {
  const { config, meta, status } = draft;
  const file = useRef<HTMLInputElement>(null);
  const toast = useToast();
  const fail = useFailure();
  const items: (MenuItem | "line")[] = [
    { label: w.versions, icon: "history", run: () => onOpen("versions") },
    ...(canPublish && meta.status === "published" ? [{ label: w.session, icon: "session", run: () => navigate(`/sessions?new=1&dashboard=${meta.id}${tenant === "" ? "" : `&tenant=${encodeURIComponent(tenant)}`}`) } as const] : []),
    "line",
    ...(canEdit
      ? [
          {
            label: w.duplicate, icon: "copy",
            run: () => void draft.flush().then(() => api.post<Dashboard>(`/v1/dashboards/${meta.id}/duplicate`)).then((copy) => navigate(`/dashboards/${copy.id}`), fail),
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
          className="topbar-name" aria-label={w.name} value={config.name} readOnly={!canEdit} size={Math.max(8, Math.min(36, config.name.length + 1))} maxLength={200}
          onChange={(event) => draft.edit((before) => ({ ...before, name: event.target.value }), "name")}
        />
        <span className="topbar-status" role="status" data-status={status}>{canEdit ? w.status[status] : ""}</span>
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
        {canEdit && <Button icon="plus" onClick={() => onOpen("gallery")}>{w.add}</Button>}
        <Button icon="eye" onClick={() => onOpen("preview")}>{w.preview}</Button>
        {canPublish && <Button kind="primary" icon="publish" onClick={() => onOpen("publish")}>{w.publish}</Button>}
        <Menu label={w.more} items={items} />
        <input
          ref={file} type="file" accept="application/json,.json" hidden
          onChange={(event) => {
            const chosen = event.target.files?.[0];
            event.target.value = "";
            void chosen?.text().then((text) => {
              const next = readConfigFile(text);
              if (!next) return toast(words.dashboards.importFailed, "bad");
              // The draft keeps its own address.
              draft.edit((before) => ({ ...next, ...(before.slug !== undefined && { slug: before.slug }) }));
              onReplaced();
              return toast(w.imported);
            });
          }}
        />
      </div>
    </header>
  );
}

/** Why the draft is not saved, and what can be done about it. */
function Trouble({ draft }: { readonly draft: Draft }): JSX.Element | null {
  const { status, error, theirs } = draft;
  const fail = useFailure();
  if (status === "conflict") {
    const saveCopy = () => {
      const { slug: _slug, ...rest } = draft.config;
      create({ ...rest, name: w.copyName(draft.config.name) }).then((copy) => {
        draft.useTheirs();
        navigate(`/dashboards/${copy.id}`);
      }, fail);
    };
    return (
      <div className="trouble">
        <Note
          tone="warn" title={w.conflictTitle}
          actions={
            <>
              <Button small disabled={!theirs} onClick={draft.useTheirs}>{w.useTheirs}</Button>
              <Button small onClick={saveCopy}>{w.mineAsCopy}</Button>
              <Button small kind="danger" disabled={!theirs} onClick={draft.keepMine}>{w.keepMine}</Button>
            </>
          }
        >
          {w.conflictText(w.somebody, theirs?.revision ?? Number(error?.body["revision"] ?? 0))}
        </Note>
      </div>
    );
  }
  // It stays while the next attempt is on its way, so that nothing jumps.
  if (status !== "saved" && error?.status === 422) {
    return (
      <div className="trouble">
        <Note tone="bad" title={w.invalidTitle}>
          {error.details.slice(0, 4).map((problem) => <p key={problem.field + problem.code}><code>{problem.field}</code> {problem.expected}</p>)}
          {error.details.length === 0 && error.message}
        </Note>
      </div>
    );
  }
  if (status === "failed" && error) return <div className="trouble"><Note tone="bad">{error.message}</Note></div>;
  return null;
}

/** The head of the dashboard as customers will see it: name, logo, and the filters in their order. */
function CanvasHead({ config, theme, onFilters }: {
  readonly config: DraftConfig; readonly theme: ReturnType<typeof useResolvedTheme>; readonly onFilters: () => void;
}): JSX.Element {
  const filters = config.filters ?? [];
  const frame = { color: theme.text, background: theme.card, borderColor: theme.cardBorder };
  return (
    <div className="canvas-head">
      <div className="row grow">
        {theme.logoUrl && /^(https:\/\/|\/(?!\/))/.test(theme.logoUrl) && <img className="canvas-logo" src={theme.logoUrl} alt="" referrerPolicy="no-referrer" />}
        <span className="canvas-name">{config.name}</span>
      </div>
      <button type="button" className="canvas-filters" aria-label={words.filters.title} title={words.filters.title} onClick={onFilters}>
        {filters.map((filter) =>
          filter.type === "period" ? (
            <span key={filter.id} className="canvas-period" style={frame}>
              {(filter.options ?? ["24h", "7d", "30d"]).map((period) => <span key={period} style={period === (filter.default ?? "30d") ? { color: theme.primaryText, background: theme.primarySoft } : { color: theme.muted }}>{period}</span>)}
            </span>
          ) : (
            <span key={filter.id} className="canvas-filter" style={frame}>
              {filterName(filter)}
              <Icon name={filter.type === "date_range" ? "calendar" : "chevron"} size={14} />
            </span>
          ),
        )}
        {filters.length === 0 && (
          <span className="canvas-filter" style={{ ...frame, borderStyle: "dashed", color: theme.muted }}><Icon name="plus" size={14} />{words.filters.add}</span>
        )}
      </button>
    </div>
  );
}

/** Widgets fitted to the events, put into this draft: made by the server as a dashboard of its own, which goes again. */
function AutoButton({ draft }: { readonly draft: Draft }): JSX.Element {
  const { environment, can } = useSession();
  const [isBusy, setBusy] = useState(false);
  const toast = useToast();
  const run = async () => {
    setBusy(true);
    try {
      const { dashboard_id, dashboard } = await api.post<{ dashboard_id: string; dashboard: Dashboard }>("/v1/discover/auto-create", { environment });
      const made = configOf(dashboard);
      draft.edit((before) => ({ ...before, widgets: made.widgets ?? [], filters: made.filters ?? before.filters ?? [] }));
      toast(w.autoAdded(made.widgets?.length ?? 0));
      // Whoever may not delete finds it in the list.
      if (can("admin")) await api.delete(`/v1/dashboards/${dashboard_id}`);
    } catch (error) {
      toast(asApiError(error).message, "bad");
    } finally {
      setBusy(false);
    }
  };
  return <Button icon="wand" busy={isBusy} onClick={() => void run()}>{w.auto}</Button>;
}

