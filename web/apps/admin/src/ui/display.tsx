import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from "react";
import { asApiError, type ApiError } from "../api/client";
import { Link } from "../router";
import { words } from "../words";
import { Button, IconButton } from "./controls";
import { Note, type Tone } from "./dialog";
import { Icon, type IconName } from "./icons";

/** Names the page in the browser's tab and history. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? words.common.product : `${title} · ${words.common.product}`;
  }, [title]);
}

export function PageHead({ title, text, actions, back }: {
  readonly title: string; readonly text?: ReactNode; readonly actions?: ReactNode; readonly back?: { readonly to: string; readonly label: string };
}): JSX.Element {
  useTitle(title);
  return (
    <header className="page-head">
      <div className="page-words">
        {back && (
          <Link className="page-back" to={back.to}>
            <Icon name="left" size={14} />
            {back.label}
          </Link>
        )}
        <h1>{title}</h1>
        {text && <p>{text}</p>}
      </div>
      {actions && <div className="page-actions">{actions}</div>}
    </header>
  );
}

/** A part of a page in a frame of its own. */
export function Section({ title, text, actions, children, flush = false, danger = false }: {
  readonly title?: ReactNode; readonly text?: ReactNode; readonly actions?: ReactNode; readonly children?: ReactNode; readonly flush?: boolean;
  /** What cannot be undone. */
  readonly danger?: boolean;
}): JSX.Element {
  return (
    <section className={danger ? "section danger" : "section"}>
      {(title !== undefined || actions) && (
        <header className="section-head">
          <div>
            <h2>{title}</h2>
            {text && <p>{text}</p>}
          </div>
          {actions && <div className="section-actions">{actions}</div>}
        </header>
      )}
      {children !== undefined && <div className={flush ? "section-body flush" : "section-body"}>{children}</div>}
    </section>
  );
}

/** What stands where nothing is yet: says what it is for, and how one begins. */
export function Empty({ icon, title, text, children }: {
  readonly icon: IconName; readonly title: string; readonly text?: ReactNode; readonly children?: ReactNode;
}): JSX.Element {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={20} />
      </span>
      <p className="empty-title">{title}</p>
      {text && <p className="empty-text">{text}</p>}
      {children && <div className="empty-actions">{children}</div>}
    </div>
  );
}

export function ErrorNote({ error, onRetry }: { readonly error: ApiError; readonly onRetry?: () => void }): JSX.Element {
  return (
    <Note
      tone="bad" title={error.code === "insufficient_scope" ? words.common.notAllowed : error.isMissing ? words.common.notHere : words.common.couldNotLoad}
      actions={onRetry && error.code !== "insufficient_scope" && <Button small onClick={onRetry}>{words.common.retry}</Button>}
    >
      {error.message}
      {error.requestId && <span className="note-reference">{words.common.reference(error.requestId)}</span>}
    </Note>
  );
}

export function Badge({ tone = "plain", children, dot = false }: {
  readonly tone?: Tone | "plain" | "brand"; readonly children: ReactNode; readonly dot?: boolean;
}): JSX.Element {
  return (
    <span className={`badge ${tone}`}>
      {dot && <span className="badge-dot" />}
      {children}
    </span>
  );
}

export function Bones({ rows = 5, height = 44 }: { readonly rows?: number; readonly height?: number }): JSX.Element {
  return (
    <div className="bones" aria-hidden="true">
      {Array.from({ length: rows }, (_unused, index) => (
        <div key={index} className="bone-row" style={{ height }}>
          <span className="bone" style={{ width: `${34 - ((index * 7) % 13)}%` }} />
          <span className="bone" style={{ width: `${16 + ((index * 5) % 9)}%` }} />
          <span className="bone" style={{ width: "10%" }} />
        </div>
      ))}
    </div>
  );
}

export interface TableColumn<T> {
  readonly key: string;
  readonly label: ReactNode;
  readonly cell: (row: T) => ReactNode;
  readonly numeric?: boolean;
  readonly width?: string;
  readonly hideLabel?: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly TableColumn<T>[];
  readonly rows: readonly T[] | null;
  readonly rowKey: (row: T) => string;
  readonly error?: ApiError | null;
  readonly onRetry?: () => void;
  readonly empty: ReactNode;
  readonly bones?: number;
  readonly more?: (() => void) | null;
  readonly isLoading?: boolean;
  readonly selected?: string | null;
  readonly onSelect?: (row: T) => void;
}

export function DataTable<T>({ label, columns, rows, rowKey, error, onRetry, empty, bones = 5, more, isLoading, selected, onSelect }: TableProps<T>): JSX.Element {
  if (error && rows === null) return <div className="pad"><ErrorNote error={error} {...(onRetry && { onRetry })} /></div>;
  if (rows === null) return <><p className="sr" role="status">{words.common.loading}</p><Bones rows={bones} /></>;
  const further = more && (
    <div className="table-more">
      <Button small busy={isLoading ?? false} onClick={more}>{words.common.more}</Button>
    </div>
  );
  const failure = error && <div className="pad"><ErrorNote error={error} {...(onRetry && { onRetry })} /></div>;
  // What is looked for may be on a page that is not read yet.
  if (rows.length === 0) return <>{failure}{empty}{further}</>;
  return (
    <>
      {failure}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
        <table className="table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.key} scope="col" className={column.numeric ? "num" : undefined} style={column.width ? { width: column.width } : undefined}>
                  {column.hideLabel ? <span className="sr">{column.label}</span> : column.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr
                key={rowKey(row)} className={[onSelect ? "selectable" : "", selected === rowKey(row) ? "selected" : ""].join(" ").trim() || undefined}
                onClick={(event) => {
                  if (event.target instanceof Element && event.target.closest("a, button, input, [role=menu]")) return;
                  onSelect?.(row);
                }}
              >
                {columns.map((column) => (
                  <td key={column.key} className={column.numeric ? "num" : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {further}
    </>
  );
}

/** Puts `text` on the clipboard and says so. */
export function CopyButton({ text, label = words.common.copy, kind = "plain", small = true, onCopied }: {
  readonly text: string; readonly label?: string; readonly kind?: "plain" | "primary" | "quiet"; readonly small?: boolean;
  readonly onCopied?: () => void;
}): JSX.Element {
  const [isDone, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = () => {
    void copyText(text).then((ok) => {
      if (!ok) return;
      onCopied?.();
      setDone(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setDone(false), 1600);
    });
  };
  return (
    <Button kind={kind} small={small} icon={isDone ? "check" : "copy"} onClick={copy} aria-live="polite">
      {isDone ? words.common.copied : label}
    </Button>
  );
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages without TLS have no clipboard of their own.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const ok = document.execCommand("copy");
    area.remove();
    return ok;
  }
}

export function Code({ text, label, wrap = false }: { readonly text: string; readonly label: string; readonly wrap?: boolean }): JSX.Element {
  return (
    <div className="code">
      <pre tabIndex={0} role="region" aria-label={label} className={wrap ? "wrap" : undefined}>
        <code>{text}</code>
      </pre>
      <div className="code-copy">
        <CopyButton text={text} kind="quiet" />
      </div>
    </div>
  );
}

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: Tone;
}

const ToastContext = createContext<(text: string, tone?: Tone) => void>(() => undefined);

export function Toasts({ children }: { readonly children: ReactNode }): JSX.Element {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const place = useRef<HTMLDivElement>(null);
  const newest = toasts[toasts.length - 1]?.id;
  // Into the top layer, anew for each: above a dialog that was opened after the last one.
  useEffect(() => {
    const element = place.current as (HTMLElement & { readonly showPopover?: () => void; readonly hidePopover?: () => void }) | null;
    if (!element?.showPopover) return;
    if (element.matches(":popover-open")) element.hidePopover?.();
    if (newest !== undefined) element.showPopover();
  }, [newest]);
  const next = useRef(0);
  const drop = useCallback((id: number) => setToasts((before) => before.filter((toast) => toast.id !== id)), []);
  const show = useCallback(
    (text: string, tone: Tone = "good") => {
      const id = (next.current += 1);
      setToasts((before) => [...before.slice(-2), { id, text, tone }]);
      setTimeout(() => drop(id), tone === "bad" ? 8000 : 4000);
    },
    [drop],
  );
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className="toasts" role="status" aria-live="polite" ref={place} {...{ popover: "manual" }}>
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast ${toast.tone}`}>
            <Icon name={toast.tone === "good" ? "check" : "alert"} />
            <span>{toast.text}</span>
            <IconButton icon="close" label={words.common.close} onClick={() => drop(toast.id)} />
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}

export function useToast(): (text: string, tone?: Tone) => void {
  return useContext(ToastContext);
}

/** Says a failure in a toast: for actions that have no field or place of their own. */
export function useFailure(): (error: unknown) => void {
  const show = useToast();
  return useCallback((error: unknown) => show(asApiError(error).message, "bad"), [show]);
}
