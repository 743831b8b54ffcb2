import {
  forwardRef, useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type InputHTMLAttributes, type KeyboardEvent, type ReactNode, type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from "react";
import { words } from "../words";
import { Icon, type IconName } from "./icons";
import { numberOf } from "./numbers";

export type ButtonKind = "plain" | "primary" | "quiet" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: ButtonKind;
  readonly icon?: IconName;
  /** Something is under way: the button keeps its size and takes no click. */
  readonly busy?: boolean;
  readonly small?: boolean;
}

export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button({ kind = "plain", icon, busy = false, small = false, className, children, disabled, ...rest }, ref) {
  return (
    <button
      ref={ref} type="button" className={["button", kind, small ? "small" : "", className ?? ""].filter(Boolean).join(" ")} aria-busy={busy || undefined}
      disabled={disabled} {...rest} {...(busy && { onClick: (event) => event.preventDefault() })}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span className="button-text">{children}</span>}
      {busy && <span className="spinner" aria-hidden="true" />}
    </button>
  );
});

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon: IconName;
  readonly label: string;
}

export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton({ icon, label, className, ...rest }, ref) {
  return (
    <button ref={ref} type="button" className={`icon-button ${className ?? ""}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
});

export interface FieldIds {
  readonly id: string;
  readonly "aria-describedby"?: string;
  readonly "aria-invalid"?: true;
}

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly error?: string | null | undefined;
  readonly optional?: boolean;
  readonly hideLabel?: boolean;
  /** Stands at the end of the label's line, and is no part of the label. */
  readonly aside?: ReactNode;
  /** What stands inside has a name of its own, such as a group of buttons. */
  readonly isGroup?: boolean;
  readonly children: (ids: FieldIds) => ReactNode;
}

/** A control with its label, a hint, and what is wrong with it, right below it. */
export function Field({ label, hint, error, optional, hideLabel, aside, isGroup = false, children }: FieldProps): JSX.Element {
  const Label = isGroup ? "span" : "label";
  const id = useId();
  const described = [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  const named = (
    <Label className={hideLabel ? "sr" : "field-label"} {...(!isGroup && { htmlFor: id })}>
      {label}
      {optional && <span className="field-optional">{words.common.optional}</span>}
    </Label>
  );
  return (
    <div className="field">
      {aside ? <div className="field-line">{named}{aside}</div> : named}
      {children({ id, ...(described !== "" && { "aria-describedby": described }), ...(error && { "aria-invalid": true as const }) })}
      {error && (
        <p className="field-error" id={`${id}-error`} role="alert">
          <Icon name="alert" size={14} />
          {error}
        </p>
      )}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface TextProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly value: string;
  readonly onText: (text: string) => void;
  readonly mono?: boolean;
}

export const TextInput = forwardRef<HTMLInputElement, TextProps>(function TextInput({ onText, mono, className, ...rest }, ref) {
  return (
    <input
      ref={ref} className={["input", mono ? "mono" : "", className ?? ""].join(" ")} autoComplete="off" {...rest}
      onChange={(event) => onText(event.target.value)}
    />
  );
});

interface AreaProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  readonly value: string;
  readonly onText: (text: string) => void;
  readonly mono?: boolean;
}

export function TextArea({ onText, mono, ...rest }: AreaProps): JSX.Element {
  return <textarea className={mono ? "input area mono" : "input area"} rows={4} {...rest} onChange={(event) => onText(event.target.value)} />;
}

export function PasswordInput(props: TextProps): JSX.Element {
  const [isShown, setShown] = useState(false);
  return (
    <span className="input-group">
      <TextInput {...props} type={isShown ? "text" : "password"} />
      <IconButton
        className="input-button" icon={isShown ? "lock" : "eye"} label={isShown ? words.common.hidePassword : words.common.showPassword}
        onClick={() => setShown(!isShown)}
      />
    </span>
  );
}

interface NumberProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "value" | "onChange"> {
  readonly value: number | undefined;
  readonly onNumber: (value: number | undefined) => void;
}

/** Keeps what is being typed until it is a number, and says so while it is none. */
export function NumberInput({ value, onNumber, ...rest }: NumberProps): JSX.Element {
  const [text, setText] = useState(value === undefined ? "" : String(value));
  const told = useRef(value);
  useEffect(() => {
    if (value !== told.current) setText(value === undefined ? "" : String(value));
    told.current = value;
  }, [value]);
  const id = useId();
  const isWrong = numberOf(text) === null && text.trim() !== "-";
  const described = [rest["aria-describedby"], isWrong ? id : ""].filter(Boolean).join(" ");
  return (
    <>
      <input
        className="input" type="text" inputMode="decimal" autoComplete="off" {...rest} {...(isWrong && { "aria-invalid": true })} {...(described !== "" && { "aria-describedby": described })}
        value={text}
        onChange={(event) => {
          const typed = event.target.value;
          setText(typed);
          const number = numberOf(typed);
          if (number === null) return;
          told.current = number;
          onNumber(number);
        }}
        onBlur={(event) => {
          // What the page has made of it: another number where it was out of bounds.
          if (!isWrong) setText(value === undefined ? "" : String(value));
          rest.onBlur?.(event);
        }}
      />
      {isWrong && <span className="field-error" id={id} role="alert">{words.common.notANumber}</span>}
    </>
  );
}

export interface Option<T extends string = string> {
  readonly value: T;
  readonly label: string;
  readonly disabled?: boolean;
}

interface SelectProps<T extends string> extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "value" | "onChange"> {
  readonly value: T;
  readonly options: readonly (Option<T> | { readonly group: string; readonly options: readonly Option<T>[] })[];
  readonly onPick: (value: T) => void;
}

export function Select<T extends string>({ value, options, onPick, className, ...rest }: SelectProps<T>): JSX.Element {
  return (
    <span className={`select ${className ?? ""}`}>
      <select {...rest} value={value} onChange={(event) => onPick(event.target.value as T)}>
        {options.map((option) =>
          "group" in option ? (
            <optgroup key={option.group} label={option.group}>
              {option.options.map((one) => (
                <option key={one.value} value={one.value} disabled={one.disabled}>
                  {one.label}
                </option>
              ))}
            </optgroup>
          ) : (
            <option key={option.value} value={option.value} disabled={option.disabled}>
              {option.label}
            </option>
          ),
        )}
      </select>
      <Icon name="chevron" />
    </span>
  );
}

export function Switch({ label, hint, on, onToggle, disabled }: {
  readonly label: string; readonly hint?: string; readonly on: boolean; readonly onToggle: (on: boolean) => void; readonly disabled?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div className="switch-row">
      <button type="button" className="switch" role="switch" id={id} aria-checked={on} aria-describedby={hint ? `${id}-hint` : undefined} disabled={disabled} onClick={() => onToggle(!on)}>
        <span className="switch-knob" />
      </button>
      <span className="switch-words">
        <label htmlFor={id}>{label}</label>
        {hint && (
          <span className="field-hint" id={`${id}-hint`}>
            {hint}
          </span>
        )}
      </span>
    </div>
  );
}

export function Checkbox({ label, on, onToggle, disabled }: {
  readonly label: ReactNode; readonly on: boolean; readonly onToggle: (on: boolean) => void; readonly disabled?: boolean;
}): JSX.Element {
  return (
    <label className="checkbox">
      <input type="checkbox" checked={on} disabled={disabled} onChange={(event) => onToggle(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}

interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (Option<T> & { readonly icon?: IconName; readonly hideLabel?: boolean })[];
  readonly onPick: (value: T) => void;
}

/** One of a few, side by side; arrow keys go from one to the next. */
export function Segments<T extends string>({ label, value, options, onPick }: SegmentsProps<T>): JSX.Element {
  const key = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const enabled = options.filter((option) => !option.disabled);
    const next = enabled[(enabled.findIndex((option) => option.value === value) + step + enabled.length) % enabled.length];
    if (!next) return;
    onPick(next.value);
    const buttons = Array.from(event.currentTarget.querySelectorAll<HTMLElement>("button"));
    buttons[options.indexOf(next)]?.focus();
  };
  return (
    <div className="segments" role="radiogroup" aria-label={label} onKeyDown={key}>
      {options.map((option) => (
        <button
          key={option.value} type="button" role="radio" aria-checked={option.value === value} tabIndex={option.value === value ? 0 : -1} disabled={option.disabled}
          className="segment" onClick={() => onPick(option.value)} {...(option.hideLabel && { "aria-label": option.label, title: option.label })}
        >
          {option.icon && <Icon name={option.icon} />}
          {!option.hideLabel && option.label}
        </button>
      ))}
    </div>
  );
}
