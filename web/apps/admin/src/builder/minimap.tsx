import type { DraftConfig } from "../api/types";
import type { ChangeKind } from "./diff";

interface MinimapProps {
  readonly config: DraftConfig;
  /** How widgets are marked, by id. */
  readonly marks: ReadonlyMap<string, ChangeKind>;
  readonly chosen?: string | null;
  readonly onChoose?: (id: string) => void;
  readonly label: string;
}

/** A dashboard as its boxes: enough to see what has changed, and where. */
export function Minimap({ config, marks, chosen, onChoose, label }: MinimapProps): JSX.Element {
  const widgets = config.widgets ?? [];
  const rows = Math.max(4, ...widgets.map(({ position }) => position.y + position.h));
  return (
    <div className="minimap" role="group" aria-label={label} style={{ gridTemplateRows: `repeat(${rows}, minmax(9px, 1fr))` }}>
      {widgets.map((widget) => {
        const { x, y, w, h } = widget.position;
        const mark = marks.get(widget.id);
        return (
          <button
            key={widget.id} type="button" className={`minimap-box ${mark ?? ""}`} aria-pressed={chosen === widget.id} title={widget.title || widget.id} disabled={!onChoose || !mark}
            style={{ gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}` }} onClick={() => onChoose?.(widget.id)}
          >
            <span>{widget.title || widget.id}</span>
          </button>
        );
      })}
    </div>
  );
}
