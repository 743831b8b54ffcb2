import { compact, type Positions } from "@emban/core";
import { useEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { api } from "../api/client";
import { useList, useLoad, useStored } from "../api/hooks";
import type { Dashboard, DraftWidget, Tenant } from "../api/types";
import { starter, type Look as Chart } from "../charts/gallery";
import { useResolvedTheme } from "../charts/widget-card";
import { useDiscovery } from "../pages/events";
import { navigate } from "../router";
import { useSession } from "../session";
import { Button, Empty, ErrorNote, Icon, Logo, useTitle, useToast } from "../ui";
import { words } from "../words";
import { periodOf, useAnswers, type Known, type Look } from "./answers";
import { AutoButton } from "./auto-button";
import { Canvas } from "./canvas";
import { CanvasHead } from "./canvas-head";
import { saved, useDraft, type Draft } from "./draft";
import { FiltersPanel } from "./filters-panel";
import { Gallery } from "./gallery-dialog";
import { freeId, freePlace, moved, neighbour, positionsOf, withPositions } from "./places";
import { PreviewDialog } from "./preview-dialog";
import { PublishDialog } from "./publish-dialog";
import { SettingsPanel } from "./settings-panel";
import { ThemeEditor } from "./theme-editor";
import { TopBar, type Open } from "./top-bar";
import { Trouble } from "./trouble";
import { VersionsDialog } from "./versions-dialog";
import { WidgetPanel } from "./widget-panel";

const w = words.builder;
type Tab = "widget" | "filters" | "theme" | "settings";
const tabs: readonly Tab[] = ["widget", "filters", "theme", "settings"];

export function Builder({ id }: { readonly id: string }): JSX.Element {
  const { data, error, reload } = useLoad<Dashboard>(async (signal) => {
    await saved(id);
    return api.get<Dashboard>(`/v1/dashboards/${id}`, {}, signal);
  }, [id]);
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

/** As the server has it. */
const mostWidgets = 100;

function Workbench({ initial }: { readonly initial: Dashboard }): JSX.Element {
  const { can, environment, organization, user } = useSession();
  const canEdit = can("edit");
  const draft = useDraft(initial, canEdit, user.id);
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
  const look = useMemo<Look>(() => ({ tenant, timezone: config.timezone ?? organization.time_zone ?? "", environment }),
    [tenant, config.timezone, organization.time_zone, environment]);
  const known = useRef<Known>(new Map());
  const answers = useAnswers(widgets, periodOf(config), look, known.current);
  const toast = useToast();
  const isFull = widgets.length >= mostWidgets;
  const wasPublished = draft.meta.last_version > 0;
  const panel = useRef<HTMLElement>(null);
  const widget = widgets.find((one) => one.id === selected) ?? null;
  const problems = draft.error && (draft.error.status === 422 || draft.error.code === "slug_taken") ? draft.error : null;

  const changeWidgets = (change: (widgets: readonly DraftWidget[]) => readonly DraftWidget[],
    key?: string) => draft.edit((before) => ({ ...before, widgets: change(before.widgets ?? []) }), key);
  const change = (next: DraftWidget, key: string) => changeWidgets((before) => before.map((one) => (one.id === next.id ? next : one)), `${next.id}.${key}`);
  const select = (id: string | null) => {
    setSelected(id);
    if (id !== null) setTab("widget");
  };
  const add = (chart: Chart) => {
    setOpen(null);
    const made = starter(chart, freeId("w_", widgets, wasPublished), events);
    const placed = { ...made, position: freePlace(widgets, chart.w, chart.h) };
    changeWidgets((before) => [...before, placed]);
    select(placed.id);
    // After the dialog has given the focus back to the button.
    requestAnimationFrame(() => {
      const made = document.querySelector<HTMLElement>(`.cell[data-widget="${placed.id}"]`);
      made?.focus({ preventScroll: true });
      made?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  };
  const duplicate = (id: string) => {
    const source = widgets.find((one) => one.id === id);
    if (!source) return;
    if (isFull) {
      toast(w.full(mostWidgets), "bad");
      return;
    }
    const copy = { ...source, id: freeId("w_", widgets, wasPublished), position: freePlace(widgets, source.position.w, source.position.h) };
    changeWidgets((before) => [...before, copy]);
    select(copy.id);
  };
  const remove = (id: string) => {
    // What stood below moves up, as it does when widgets are dragged.
    draft.edit((before) => {
      const left = (before.widgets ?? []).filter((one) => one.id !== id);
      return withPositions({ ...before, widgets: left }, compact(positionsOf(left)));
    });
    if (selected === id) setSelected(null);
    toast(w.removed);
    const next = neighbour(widgets, id);
    requestAnimationFrame(() => document.querySelector<HTMLElement>(next ? `.cell[data-widget="${next}"]` : "#canvas")?.focus({ preventScroll: true }));
  };
  const arrange = (positions: Positions, key?: string) => draft.edit((before) => withPositions(before, positions), key);
  const openPanel = (id: string) => {
    select(id);
    requestAnimationFrame(() => panel.current?.querySelector<HTMLElement>("select, input, textarea")?.focus());
  };
  useTitle(config.name);
  useKeys(draft, open !== null);
  useEffect(() => {
    if (draft.isRecovered) toast(w.recovered, "info");
  }, []);

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
        draft={draft} canEdit={canEdit} canPublish={can("admin")} isFull={isFull} tenant={tenant} tenants={suggestions} onTenant={setTenant} onOpen={setOpen}
        onReplaced={() => setSelected(null)}
      />
      <Trouble draft={draft} look={look} />
      <div className="bench">
        <main className="canvas" id="canvas" tabIndex={-1}
          style={{ background: theme.background, color: theme.text, fontFamily: theme.fontFamily ?? undefined }} data-mode={theme.mode}>
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
                config={config} theme={theme} tenant={tenant} timezone={look.timezone} selected={selected} canEdit={canEdit} answerOf={answers.of}
                problemOf={problemOfWidget} onRetry={answers.retry}
                onSelect={select} onArrange={arrange} onRemove={remove} onDuplicate={duplicate} onOpen={openPanel}
              />
            )}
            {canEdit && widgets.length > 0 && !isFull && (
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
                key={name} type="button" role="tab" className="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="panel"
                tabIndex={tab === name ? 0 : -1} onClick={() => setTab(name)}
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
                onChange={(next, key) => (key === "position" ? draft.edit((before) => moved(before, next.id, next.position)) : change(next, key))}
                onDuplicate={() => widget && duplicate(widget.id)} onRemove={() => widget && remove(widget.id)}
              />
            )}
            {tab === "filters" && <FiltersPanel config={config} wasPublished={wasPublished} events={events} canEdit={canEdit}
              problemOf={(path) => problems?.of(path) ?? null} onChange={(filters, key) => draft.edit((before) => ({ ...before, filters }), key)} />}
            {tab === "theme" && (
              <fieldset className="panel-form" disabled={!canEdit}>
                <ThemeEditor
                  theme={config.theme ?? {}} problemOf={(member) => problems?.of(`theme.${member}`) ?? null}
                  onChange={(next) => draft.edit((before) => ({ ...before, theme: next }), "theme")}
                />
              </fieldset>
            )}
            {tab === "settings" && <SettingsPanel config={config} id={draft.meta.id} slug={draft.meta.slug} canEdit={canEdit}
              problemOf={(path) => problems?.of(path) ?? null} onChange={draft.edit} />}
          </div>
        </aside>
      </div>
      {open === "gallery" && <Gallery title={words.gallery.title} theme={config.theme} events={events} look={look} known={known.current} onPick={add}
        onClose={() => setOpen(null)} />}
      {open === "publish" && <PublishDialog draft={draft} look={look} onClose={() => setOpen(null)} />}
      {open === "versions" && <VersionsDialog draft={draft} look={look} canEdit={canEdit} onClose={() => setOpen(null)} />}
      {open === "preview" && <PreviewDialog config={config} id={draft.meta.id} look={look} tenants={suggestions} onTenant={setTenant}
        onClose={() => setOpen(null)} />}
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
        // With what is being typed, which counts when the field is left.
        const field = document.activeElement;
        if (field instanceof HTMLInputElement && field.closest(".bench-side")) {
          flushSync(() => field.blur());
          field.focus();
        }
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
