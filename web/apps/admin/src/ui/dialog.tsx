import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { words } from "../words";
import { Button, IconButton, type ButtonKind } from "./controls";
import { Icon, type IconName } from "./icons";

interface DialogProps {
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  readonly size?: "small" | "medium" | "large" | "full";
  /** The content scrolls itself. */
  readonly bare?: boolean;
  /** What it shows is shown this once: neither Escape nor a click beside it closes it. */
  readonly keep?: boolean;
  /** Something is under way whose answer would be lost: nothing closes it until then. */
  readonly busy?: boolean;
}

/** The browser's own modal dialog: it keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children, footer, size = "medium", bare = false, keep = false, busy = false }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const pressedOutside = useRef(false);
  const isKept = keep || busy;
  // Its end runs before the element is taken away: only a dialog that is still there gives the focus back.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      dialog.querySelector<HTMLElement>(".dialog-body :is(input:not([type=file], [type=checkbox]), select, textarea)")?.focus();
    }
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element} className={`dialog ${size}`} aria-labelledby={id}
      onKeyDown={(event) => {
        // Of two Escapes the second would close it whatever `cancel` is answered with.
        if (event.key === "Escape" && isKept && !event.defaultPrevented) event.preventDefault();
      }}
      onCancel={(event) => {
        event.preventDefault();
        if (!isKept) onClose();
      }}
      onClose={(event) => {
        // Closed by the browser itself, which asks only once.
        if (event.target !== element.current) return;
        if (isKept) element.current.showModal();
        else onClose();
      }}
      onPointerDown={(event) => {
        pressedOutside.current = event.target === element.current;
      }}
      onClick={(event) => {
        if (event.target === element.current && pressedOutside.current && !isKept) onClose();
      }}
    >
      <div className="dialog-frame">
        <header className="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label={words.common.close} disabled={busy} onClick={onClose} />
        </header>
        <div className={bare ? "dialog-body bare" : "dialog-body"}>{children}</div>
        {footer && <footer className="dialog-foot">{footer}</footer>}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly text: ReactNode;
  readonly action: string;
  readonly kind?: ButtonKind;
  readonly busy?: boolean;
  readonly error?: string | null | undefined;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  /** What has to be typed first, for what cannot be undone. */
  readonly typed?: string;
}

export function Confirm({ title, text, action, kind = "danger", busy, error, onConfirm, onClose, typed }: ConfirmProps): JSX.Element {
  const [entered, setEntered] = useState("");
  return (
    <Dialog
      title={title} size="small" onClose={onClose} busy={busy ?? false}
      footer={
        <>
          <Button disabled={busy} onClick={onClose}>{words.common.cancel}</Button>
          <Button kind={kind} busy={busy ?? false} disabled={typed !== undefined && entered !== typed} onClick={onConfirm}>
            {action}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div className="prose">{text}</div>
        {typed !== undefined && (
          <label className="field">
            <span className="field-label">{words.common.typeToConfirm(typed)}</span>
            <input className="input mono" value={entered} autoComplete="off" spellCheck={false} onChange={(event) => setEntered(event.target.value)} />
          </label>
        )}
        {error && <Note tone="bad">{error}</Note>}
      </div>
    </Dialog>
  );
}

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly run: () => void;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly note?: string;
  readonly checked?: boolean;
}

/** A button with a list of actions below it. */
export function Menu({ label, items, icon = "more", children, className, side = "end" }: {
  readonly label: string; readonly items: readonly (MenuItem | "line")[]; readonly icon?: IconName; readonly children?: ReactNode; readonly className?: string; readonly side?: "start" | "end" | "up";
}): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    root.current?.querySelector<HTMLElement>("[role^=menuitem]:not([disabled])")?.focus();
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    if (!isOpen) return;
    const entries = Array.from(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not([disabled])") ?? []);
    const now = entries.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      entries[(now + (event.key === "ArrowDown" ? 1 : -1) + entries.length) % entries.length]?.focus();
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      entries[event.key === "Home" ? 0 : entries.length - 1]?.focus();
    } else if (event.key === "Tab") setOpen(false);
  };
  return (
    <span className="menu-root" ref={root} onKeyDown={key}>
      <button ref={button} type="button" className={className ?? "icon-button"} aria-label={children ? undefined : label} title={children ? undefined : label} aria-haspopup="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {children ?? <Icon name={icon} />}
      </button>
      {isOpen && (
        <div className={`menu ${side}`} role="menu" aria-label={label}>
          {items.map((item, index) =>
            item === "line" ? (
              <div key={`line-${index}`} className="menu-line" role="separator" />
            ) : (
              <button
                key={item.label} type="button" role={item.checked === undefined ? "menuitem" : "menuitemradio"} aria-checked={item.checked} tabIndex={-1}
                className={item.danger ? "menu-item danger" : "menu-item"} disabled={item.disabled}
                onClick={() => {
                  close();
                  item.run();
                }}
              >
                {item.icon && <Icon name={item.icon} />}
                <span className="menu-text">{item.label}</span>
                {item.note && <span className="menu-note">{item.note}</span>}
                {item.checked && <Icon name="check" />}
              </button>
            ),
          )}
        </div>
      )}
    </span>
  );
}

export type Tone = "info" | "good" | "warn" | "bad";

export function Note({ tone = "info", title, children, actions }: {
  readonly tone?: Tone; readonly title?: ReactNode; readonly children?: ReactNode; readonly actions?: ReactNode;
}): JSX.Element {
  const icon: IconName = tone === "good" ? "check" : tone === "info" ? "info" : tone === "warn" ? "warning" : "alert";
  return (
    <div className={`note ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      <Icon name={icon} />
      <div className="note-body">
        {title && <p className="note-title">{title}</p>}
        {children && <div className="note-text">{children}</div>}
      </div>
      {actions && <div className="note-actions">{actions}</div>}
    </div>
  );
}
