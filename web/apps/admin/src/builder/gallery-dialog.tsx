import type { Theme } from "@emban/core";
import { useState } from "react";
import { looks, lookName, sampleWidget, type Look } from "../charts/gallery";
import { useResolvedTheme } from "../charts/widget-card";
import { Sampled } from "../pages/gate-scene";
import { Dialog, Icon, TextInput } from "../ui";
import { words } from "../words";

interface GalleryProps {
  readonly title: string;
  readonly theme: Theme | undefined;
  readonly onPick: (look: Look) => void;
  readonly onClose: () => void;
}

/** All charts, each drawn by the viewer in the dashboard's colours. */
export function Gallery({ title, theme, onPick, onClose }: GalleryProps): JSX.Element {
  const [search, setSearch] = useState("");
  const resolved = useResolvedTheme(theme);
  const needle = search.trim().toLowerCase();
  const found = looks.filter((look) => needle === "" || `${lookName(look)} ${look.chart} ${words.charts.hints[`${look.kind}/${look.chart}`] ?? ""}`.toLowerCase().includes(needle));
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
                    <span className="gallery-picture" aria-hidden="true"><Sampled widget={{ ...sampleWidget(look), title: "" }} theme={resolved} /></span>
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
