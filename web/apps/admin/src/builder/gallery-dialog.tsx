import type { ResolvedTheme, Theme } from "@emban/core";
import { useMemo, useState } from "react";
import type { DraftWidget, EventType } from "../api/types";
import { looks, lookName, sampleWidget, starter, type Look } from "../charts/gallery";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { Sampled } from "../pages/gate-scene";
import { Dialog, Icon, TextInput } from "../ui";
import { words } from "../words";
import { useAnswers, type Known, type Look as View, type Shown } from "./answers";

interface GalleryProps {
  readonly title: string;
  readonly theme: Theme | undefined;
  readonly events: readonly EventType[];
  readonly look: View;
  readonly known: Known;
  readonly onPick: (look: Look) => void;
  readonly onClose: () => void;
}

/** All charts, each drawn by the viewer in the dashboard's colours, of the customer's own events where there are some. */
export function Gallery({ title, theme, events, look: view, known, onPick, onClose }: GalleryProps): JSX.Element {
  const [search, setSearch] = useState("");
  const resolved = useResolvedTheme(theme);
  const widgets = useMemo(() => (events.length === 0 ? []
    : looks.filter(({ kind }) => kind !== "text").map((look) => starter(look, `picture_${look.kind}_${look.chart}`, events))), [events]);
  const answers = useAnswers(widgets, null, view, known);
  const needle = search.trim().toLowerCase();
  const found = looks.filter((look) => needle === ""
    || `${lookName(look)} ${look.chart} ${words.charts.hints[`${look.kind}/${look.chart}`] ?? ""}`.toLowerCase().includes(needle));
  const kinds = Object.entries(words.charts.kinds).filter(([kind]) => found.some((look) => look.kind === kind));
  return (
    <Dialog title={title} size="large" onClose={onClose} bare>
      <div className="gallery">
        <div className="gallery-search">
          <Icon name="search" />
          <TextInput type="search" value={search} onText={setSearch} placeholder={words.gallery.search} aria-label={words.gallery.search} autoFocus />
        </div>
        <div className="gallery-scroll">
          {kinds.map(([kind, name]) => (
            <section key={kind}>
              <h3>{name}</h3>
              <div className="gallery-grid">
                {found.filter((look) => look.kind === kind).map((look) => (
                  <button key={look.chart} type="button" className="gallery-item" data-look={`${look.kind}/${look.chart}`} onClick={() => onPick(look)}>
                    <span className="gallery-picture" aria-hidden="true">
                      <Picture look={look} widget={widgets.find(({ kind, chart }) => kind === look.kind && chart === look.chart)} shownOf={answers.of}
                        theme={resolved} />
                    </span>
                    <span className="gallery-name">{lookName(look)}</span>
                    <span className="gallery-hint">{words.charts.hints[`${look.kind}/${look.chart}`]}</span>
                  </button>
                ))}
              </div>
            </section>
          ))}
          {found.length === 0 && <p className="muted pad">{words.common.noMatch}</p>}
        </div>
      </div>
    </Dialog>
  );
}

/** Real numbers as soon as there are some; until then, and where there are none, made-up ones. */
function Picture({ look, widget, shownOf, theme }: {
  readonly look: Look; readonly widget: DraftWidget | undefined; readonly shownOf: (widget: DraftWidget) => Shown; readonly theme: ResolvedTheme;
}): JSX.Element {
  const answer = widget ? shownOf(widget).answer : null;
  const model = sampleWidget(look);
  if (!widget || !answer || "error" in answer || answer.result.rows.length < 2) {
    if (look.kind !== "kpi" || !widget || !answer || "error" in answer) return <Sampled widget={{ ...model, title: "" }} theme={theme} />;
  }
  return <WidgetCard widget={{ ...widget, title: "", options: { show_legend: false, on_click: "none", ...widget.options } }} answer={answer} theme={theme}
    tenant="sample" still />;
}
