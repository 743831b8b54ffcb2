import { useEffect, useId, useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent } from "react";
import { words } from "../words";
import { choiceOf, firstLine, matching, type Suggestion } from "./choice";
import type { FieldIds } from "./controls";
import { Icon } from "./icons";

export type { Suggestion } from "./choice";

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

/** A text with suggestions: typing narrows them, arrows choose, Enter takes what was chosen, or else the text. */
export function Combo({ value, onPick, suggestions, placeholder, strict = false, clearable = false, ids, disabled, onSearch }: ComboProps): JSX.Element {
  const listId = useId();
  const [typed, setTyped] = useState<string | null>(null);
  /** The line that Enter takes; -1 where it takes the text. */
  const [active, setActive] = useState(-1);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const isOpen = typed !== null;
  const shown = suggestions.find((one) => one.value === value)?.label ?? value;
  const isFiltering = isOpen && typed !== shown;
  const found = (isFiltering ? matching(typed, suggestions) : suggestions).slice(0, mostLines);
  useEffect(() => {
    // Newer browsers answer a promise, which is no end of an effect.
    void list.current?.children[active]?.scrollIntoView?.({ block: "nearest" });
  }, [active]);
  const place = usePlaceBelow(input, isOpen);
  const open = () => {
    if (isOpen || disabled) return;
    setTyped(shown);
    setActive(suggestions.findIndex((one) => one.value === value));
    requestAnimationFrame(() => input.current?.select());
  };
  const take = (next: string) => {
    setTyped(null);
    if (next !== value) onPick(next);
  };
  const leave = (chosen?: Suggestion) => {
    if (typed === null) return;
    const choice = !chosen && typed.trim() === shown ? null : choiceOf({ text: typed, suggestions, strict, clearable, chosen });
    if (choice === null) setTyped(null);
    else take(choice);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) open();
      else setActive((before) => Math.min(found.length - 1, Math.max(0, before + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      leave(found[active]);
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
        aria-activedescendant={isOpen && active >= 0 && active < found.length ? `${listId}-${active}` : undefined} {...ids} placeholder={placeholder} disabled={disabled} value={typed ?? shown}
        onClick={open} onBlur={() => leave()} onKeyDown={key}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(firstLine(event.target.value, matching(event.target.value, suggestions), strict));
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
          {(found.length === 0 || (isFiltering && !strict && active < 0 && typed.trim() !== "")) && <li className="combo-none" role="presentation">{strict ? words.common.noMatch : words.common.pressEnter(typed)}</li>}
        </ul>
      )}
    </span>
  );
}

const listHeight = 272;
const mostLines = 200;

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
