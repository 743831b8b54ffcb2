import type { DraftConfig } from "../api/types";
import { widgetName } from "../charts/gallery";
import type { ChangeKind } from "./diff";

interface MinimapProps {
  readonly config: DraftConfig;
  /** How widgets are marked, by id. */
  readonly marks: ReadonlyMap<string, ChangeKind>;
  readonly chosen?: string | null;
  readonly onChoose?: (id: string) => void;
  readonly label: string;
  /** As many rows as what stands beside it. */
  readonly rows?: number;
}

/** So high, in pixels, is a whole dashboard at most, and so high a box must be for its name. */
const mostHeight = 280;
const nameHeight = 17;

export function rowsOf(config: DraftConfig): number {
  return Math.max(4, ...(config.widgets ?? []).map(({ position }) => position.y + position.h));
}

/** A dashboard as its boxes: enough to see what has changed, and where. */
export function Minimap({ config, marks, chosen, onChoose, label, rows: wanted = 0 }: MinimapProps): JSX.Element {
  const widgets = config.widgets ?? [];
  const rows = Math.max(wanted, rowsOf(config));
  const step = Math.max(5, Math.min(22, Math.floor(mostHeight / rows)));
  const gap = step > 10 ? 4 : 2;
  return (
    <div className="minimap" role="group" aria-label={label} style={{ gridTemplateRows: `repeat(${rows}, ${step - gap}px)`, rowGap: gap }}>
      {widgets.map((widget) => {
        const { x, y, w, h } = widget.position;
        const mark = marks.get(widget.id);
        return (
          <button
            key={widget.id} type="button" className={`minimap-box ${mark ?? ""}`} aria-pressed={chosen === widget.id} title={widgetName(widget)}
            aria-label={widgetName(widget)} disabled={!onChoose || !mark}
            style={{ gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}` }} onClick={() => onChoose?.(widget.id)}
          >
            {h * step - gap >= nameHeight && <span>{widgetName(widget)}</span>}
          </button>
        );
      })}
    </div>
  );
}
