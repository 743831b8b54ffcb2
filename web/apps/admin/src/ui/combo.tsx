import { useEffect, useId, useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent } from "react";
import { words } from "../words";
import type { FieldIds } from "./controls";
import { Icon } from "./icons";

export interface Suggestion {
  readonly value: string;
  readonly label?: string;
  /** What is known of it, at the end of its line. */
  readonly note?: string;
}

interface ComboProps {
  readonly value: string;
  readonly onPick: (value: string) => void;
  readonly suggestions: readonly Suggestion[];
  readonly placeholder?: string;
  /** Only what is suggested may be chosen. */
  readonly strict?: boolean;
  /** May be emptied. */
  readonly clearable?: boolean;
  readonly ids?: Partial<FieldIds> & { readonly "aria-label"?: string };
  readonly disabled?: boolean;
  readonly onSearch?: (text: string) => void;
}

/** A text with suggestions: typing narrows them, arrows choose, Enter takes. */
export function Combo({ value, onPick, suggestions, placeholder, strict = false, clearable = false, ids, disabled, onSearch }: ComboProps): JSX.Element {
  const listId = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const isOpen = typed !== null;
  const shown = suggestions.find((one) => one.value === value)?.label ?? value;
  const needle = (typed ?? "").trim().toLowerCase();
  const isFiltering = isOpen && typed !== shown;
  const found = (isFiltering && needle !== "" ? suggestions.filter((one) => `${one.label ?? ""} ${one.value}`.toLowerCase().includes(needle)) : suggestions).slice(0, 200);
  useEffect(() => list.current?.children[active]?.scrollIntoView?.({ block: "nearest" }), [active]);
  const place = usePlaceBelow(input, isOpen);
  const open = () => {
    if (isOpen || disabled) return;
    setTyped(shown);
    setActive(Math.max(0, suggestions.findIndex((one) => one.value === value)));
    requestAnimationFrame(() => input.current?.select());
  };
  const take = (next: string) => {
    setTyped(null);
    if (next !== value) onPick(next);
  };
  const leave = () => {
    if (typed === null) return;
    const text = typed.trim();
    setTyped(null);
    if (text === shown) return;
    const exact = suggestions.find((one) => one.value === text || one.label === text);
    if (exact) take(exact.value);
    else if (text === "" && clearable) take("");
    else if (!strict && text !== "") take(text);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) open();
      else setActive((before) => Math.min(found.length - 1, Math.max(0, before + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      const chosen = found[active];
      if (chosen && (isFiltering || chosen.value !== value)) take(chosen.value);
      else leave();
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      setTyped(null);
    }
  };
  return (
    <span className="combo" data-open={isOpen || undefined}>
      <input
        ref={input} className="input" type="text" role="combobox" autoComplete="off" spellCheck={false} aria-expanded={isOpen} aria-controls={listId} aria-autocomplete="list"
        aria-activedescendant={isOpen && found.length > 0 ? `${listId}-${active}` : undefined} {...ids} placeholder={placeholder} disabled={disabled} value={typed ?? shown}
        onClick={open} onBlur={leave} onKeyDown={key}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
          onSearch?.(event.target.value);
        }}
      />
      {clearable && value !== "" && !disabled ? (
        <button type="button" className="combo-clear" aria-label={words.common.clear} onClick={() => take("")}>
          <Icon name="close" />
        </button>
      ) : (
        <Icon name="chevron" />
      )}
      {isOpen && (
        <ul className="combo-list" role="listbox" id={listId} ref={list} style={place}>
          {found.map((one, index) => (
            <li
              key={one.value} id={`${listId}-${index}`} role="option" aria-selected={one.value === value} className={index === active ? "combo-option active" : "combo-option"}
              onPointerDown={(event) => event.preventDefault()} onClick={() => take(one.value)} onPointerMove={() => index !== active && setActive(index)}
            >
              <span className="combo-name">{one.label ?? one.value}</span>
              {one.note && <span className="combo-note">{one.note}</span>}
              {one.value === value && <Icon name="check" />}
            </li>
          ))}
          {found.length === 0 && <li className="combo-none">{strict ? words.common.noMatch : words.common.pressEnter(typed ?? "")}</li>}
        </ul>
      )}
    </span>
  );
}

const listHeight = 272;

/** Where a list stands below, or else above, its field: fixed in the window, so that no frame around it cuts it off. */
function usePlaceBelow(field: { readonly current: HTMLElement | null }, isOpen: boolean): CSSProperties {
  const [place, setPlace] = useState<CSSProperties>({});
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    const measure = () => {
      const box = field.current?.getBoundingClientRect();
      if (!box) return;
      const below = window.innerHeight - box.bottom - 12;
      const isAbove = below < 160 && box.top > below;
      setPlace({
        left: box.left, width: Math.max(box.width, 200), maxHeight: Math.min(listHeight, isAbove ? box.top - 12 : below), ...(isAbove ? { bottom: window.innerHeight - box.top + 4 } : { top: box.bottom + 4 }),
      });
    };
    measure();
    window.addEventListener("scroll", measure, true);
    window.addEventListener("resize", measure);
    return () => {
      window.removeEventListener("scroll", measure, true);
      window.removeEventListener("resize", measure);
    };
  }, [field, isOpen]);
  return place;
}
