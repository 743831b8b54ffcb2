import { arrange, fit, gridColumns, type Positions, type ResolvedTheme } from "@emban/core";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import type { DraftConfig, DraftWidget } from "../api/types";
import { widgetName } from "../charts/gallery";
import { WidgetCard } from "../charts/widget-card";
import { Icon } from "../ui";
import { words } from "../words";
import type { Shown } from "./answers";
import { positionsOf } from "./places";

const w = words.builder;
const gap = 16;
/** So far, in pixels, a press may wander and still is a click. */
const slack = 4;
const edgeZone = 60;

interface CanvasProps {
  readonly config: DraftConfig;
  readonly theme: ResolvedTheme;
  readonly tenant: string;
  readonly timezone: string;
  readonly selected: string | null;
  readonly canEdit: boolean;
  readonly answerOf: (widget: DraftWidget) => Shown;
  readonly problemOf: (widget: DraftWidget) => string | null;
  readonly onRetry: () => void;
  readonly onSelect: (id: string | null) => void;
  readonly onArrange: (positions: Positions, key?: string) => void;
  readonly onRemove: (id: string) => void;
  readonly onDuplicate: (id: string) => void;
  readonly onOpen: (id: string) => void;
}

interface Drag {
  readonly id: string;
  readonly pointer: number;
  readonly isResize: boolean;
  readonly from: Positions;
  readonly positions: Positions;
  readonly startX: number;
  readonly startY: number;
  /** Where the pointer is from where it began, scrolling included. */
  readonly dx: number;
  readonly dy: number;
  readonly hasMoved: boolean;
}

/**
 * The grid of widgets, moved and resized as viewers do it: by the same `arrange` of the core, so that what makes way here makes way there.
 */
export function Canvas(props: CanvasProps): JSX.Element {
  const { config, theme, selected, canEdit, onArrange, onSelect } = props;
  const widgets = config.widgets ?? [];
  const grid = useRef<HTMLDivElement>(null);
  const cells = useRef(new Map<string, HTMLDivElement>());
  const [drag, setDrag] = useState<Drag | null>(null);
  const [said, setSaid] = useState("");
  const positions = drag?.positions ?? positionsOf(widgets);
  const rowHeight = config.layout?.row_height ?? 80;
  const steps = useCallback(() => ({ column: ((grid.current?.clientWidth ?? 1200) + gap) / gridColumns, row: rowHeight + gap }), [rowHeight]);

  useGlide(cells.current, positions, drag?.hasMoved ? drag.id : null);

  const start = (event: PointerEvent<HTMLDivElement>, id: string) => {
    if (event.button !== 0 || drag) return;
    const isResize = event.target instanceof Element && event.target.closest(".cell-corner") !== null;
    leaveField();
    onSelect(id);
    if (!canEdit) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const from = positionsOf(widgets);
    setDrag({ id, pointer: event.pointerId, isResize, from, positions: from, startX: event.clientX, startY: event.clientY + scrollTop(grid.current), dx: 0,
      dy: 0, hasMoved: false });
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    autoScroll(grid.current, event.clientY);
    const dx = event.clientX - drag.startX;
    const dy = event.clientY + scrollTop(grid.current) - drag.startY;
    if (!drag.hasMoved && Math.hypot(dx, dy) < slack) return;
    const before = drag.from[drag.id];
    if (!before) return;
    const { column, row } = steps();
    const [columns, rows] = [Math.round(dx / column), Math.round(dy / row)];
    const wanted = fit(drag.isResize ? { ...before, w: Math.min(gridColumns - before.x, before.w + columns), h: before.h + rows }
      : { ...before, x: before.x + columns, y: before.y + rows });
    // From the places at the beginning: what made way comes back when the widget moves on.
    const next = arrange(drag.from, drag.id, wanted);
    setDrag({ ...drag, positions: same(next, drag.positions) ? drag.positions : next, dx, dy, hasMoved: true });
  };
  const end = (event: PointerEvent<HTMLDivElement>, isKept: boolean) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    setDrag(null);
    if (isKept && drag.hasMoved && !same(drag.from, drag.positions)) {
      onArrange(drag.positions);
      say(drag.id, drag.positions);
    }
  };
  useEffect(() => {
    if (!drag) return undefined;
    const cancel = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      setDrag(null);
    };
    window.addEventListener("keydown", cancel);
    return () => window.removeEventListener("keydown", cancel);
  }, [drag]);

  // What is in the hand may be removed, or undone.
  const isGone = drag !== null && !widgets.some(({ id }) => id === drag.id);
  useEffect(() => {
    if (isGone) setDrag(null);
  }, [isGone]);

  const say = (id: string, places: Positions) => {
    const box = places[id];
    const widget = widgets.find((one) => one.id === id);
    if (box && widget) setSaid(w.place(widgetName(widget), box.x + 1, box.y + 1, box.w, box.h));
  };
  const put = (id: string, box: Positions[string]) => {
    const next = arrange(positions, id, box);
    onArrange(next, `arrange.${id}`);
    say(id, next);
  };
  const key = (event: KeyboardEvent<HTMLDivElement>, widget: DraftWidget) => {
    if (event.target !== event.currentTarget) return;
    const { id } = widget;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      props.onOpen(id);
      return;
    }
    if (!canEdit) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      props.onRemove(id);
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
      event.preventDefault();
      props.onDuplicate(id);
    } else {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
      const now = positions[id];
      if (dx === undefined || dy === undefined || !now || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (event.shiftKey) put(id, { ...now, w: Math.min(gridColumns - now.x, now.w + dx), h: now.h + dy });
      else put(id, stepOf(positions, id, dx, dy));
    }
  };

  const held = drag?.hasMoved ? drag : null;
  const ghost = held ? held.positions[held.id] : null;
  // Tab goes from widget to widget as the eye does.
  const ordered = [...widgets].sort((one, other) => (positions[one.id]?.y ?? 0) - (positions[other.id]?.y ?? 0)
    || (positions[one.id]?.x ?? 0) - (positions[other.id]?.x ?? 0));
  return (
    <div
      className="canvas-grid" ref={grid} data-dragging={held ? "" : undefined} style={{ gridAutoRows: `${rowHeight}px`, fontFamily: theme.fontFamily ?? undefined }}
      onPointerDown={(event) => {
        if (event.target !== event.currentTarget) return;
        leaveField();
        onSelect(null);
      }}
    >
      {ordered.map((widget) => {
        const box = positions[widget.id] ?? widget.position;
        const isHeld = held?.id === widget.id;
        const shown = props.answerOf(widget);
        const problem = props.problemOf(widget) ?? shown.missing;
        return (
          <div
            key={widget.id} className={["cell", selected === widget.id ? "selected" : "", isHeld ? "held" : "", problem ? "wrong" : ""].join(" ").trim()}
            data-widget={widget.id}
            ref={(element) => {
              if (element) cells.current.set(widget.id, element);
              else cells.current.delete(widget.id);
            }}
            role="group" tabIndex={0} aria-label={`${w.widget(widgetName(widget))}. ${w.place("", box.x + 1, box.y + 1, box.w, box.h).slice(2)}`}
            aria-describedby="grid-help"
            style={{
              gridColumn: `${box.x + 1} / span ${box.w}`, gridRow: `${box.y + 1} / span ${box.h}`,
              ...(isHeld && !held.isResize && { transform: `translate(${offset(held, steps()).x}px, ${offset(held, steps()).y}px)` }),
            }}
            onPointerDown={(event) => start(event, widget.id)} onPointerMove={move} onPointerUp={(event) => end(event, true)}
            onPointerCancel={(event) => end(event, false)}
            onKeyDown={(event) => key(event, widget)}
            onFocus={(event) => event.target === event.currentTarget && event.currentTarget.matches(":focus-visible") && onSelect(widget.id)}
            onDoubleClick={() => props.onOpen(widget.id)}
          >
            <WidgetCard
              widget={widget} answer={shown.answer} isStale={shown.isStale} theme={theme} timezone={props.timezone || "UTC"} tenant={props.tenant}
              onRetry={props.onRetry} inert
            />
            {problem && <span className="cell-problem"><Icon name="warning" size={14} />{problem}</span>}
            <span className="cell-cover" />
            {shown.answer && "error" in shown.answer && shown.answer.error.status !== 422 && (
              <button type="button" className="cell-retry" onPointerDown={(event) => event.stopPropagation()} onClick={props.onRetry}>{words.common.retry}</button>
            )}
            {canEdit && <span className="cell-corner" title={w.resize} />}
          </div>
        );
      })}
      {ghost && <div className="cell-ghost" style={{ gridColumn: `${ghost.x + 1} / span ${ghost.w}`, gridRow: `${ghost.y + 1} / span ${ghost.h}` }} />}
      <p className="sr" id="grid-help">{w.gridHelp}</p>
      <p className="sr" role="status" aria-live="polite">{said}</p>
    </div>
  );
}

/** Fields tell what was typed when they are left: before their panel gives way to that of another widget. */
function leaveField(): void {
  if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
}

function same(one: Positions, other: Positions): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What is left of the pointer's way after the steps that the grid has made. */
function offset(drag: Drag, steps: { readonly column: number; readonly row: number }): { readonly x: number; readonly y: number } {
  const [now, before] = [drag.positions[drag.id], drag.from[drag.id]];
  return now && before ? { x: drag.dx - (now.x - before.x) * steps.column, y: drag.dy - (now.y - before.y) * steps.row } : { x: 0, y: 0 };
}

/** One step further; up and down past the next neighbour, where gravity would bring it back. */
function stepOf(positions: Positions, id: string, dx: number, dy: number): Positions[string] {
  const now = positions[id] ?? { x: 0, y: 0, w: 1, h: 1 };
  const neighbours = Object.entries(positions).filter(([other, box]) => other !== id && box.x < now.x + now.w && now.x < box.x + box.w).map(([, box]) => box);
  if (dy > 0) {
    const below = neighbours.filter((box) => box.y >= now.y + now.h).sort((one, other) => one.y - other.y)[0];
    return below ? { ...now, y: below.y + 1 } : now;
  }
  if (dy < 0) {
    const above = neighbours.filter((box) => box.y + box.h <= now.y).sort((one, other) => other.y - one.y)[0];
    return { ...now, y: above ? above.y : Math.max(0, now.y - 1) };
  }
  return { ...now, x: Math.min(gridColumns - now.w, Math.max(0, now.x + dx)) };
}

/** What is not in the hand glides to its place. */
function useGlide(cells: ReadonlyMap<string, HTMLElement>, positions: Positions, held: string | null): void {
  const before = useRef(new Map<string, { left: number; top: number }>());
  const key = JSON.stringify(positions);
  const last = useRef(key);
  useLayoutEffect(() => {
    const isMoved = last.current !== key;
    last.current = key;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [id, cell] of cells) {
      const to = { left: cell.offsetLeft, top: cell.offsetTop };
      const from = before.current.get(id);
      before.current.set(id, to);
      if (!isMoved || calm || id === held || !from || (from.left === to.left && from.top === to.top)) continue;
      cell.animate([{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }],
        { duration: 160, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" });
    }
  });
}

function scroller(element: HTMLElement | null): HTMLElement | null {
  return element?.closest<HTMLElement>(".canvas") ?? null;
}

function scrollTop(element: HTMLElement | null): number {
  return scroller(element)?.scrollTop ?? 0;
}

function autoScroll(element: HTMLElement | null, y: number): void {
  const box = scroller(element);
  if (!box) return;
  const { top, bottom } = box.getBoundingClientRect();
  if (y < top + edgeZone) box.scrollTop -= 12;
  else if (y > bottom - edgeZone) box.scrollTop += 12;
}
