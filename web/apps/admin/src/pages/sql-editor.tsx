import { useEffect, useLayoutEffect, useRef } from "react";
import { TextArea } from "../ui";
import { words } from "../words";
import { complete, wrongPart, type Completion } from "./sql-completion";

interface Place {
  readonly line: number;
  readonly ch: number;
}

/** The part of CodeMirror 5 that is used here. */
interface Editor {
  getValue(): string;
  setValue(text: string): void;
  on(event: "change", handler: (editor: Editor, change: { readonly origin?: string; readonly text: readonly string[] }) => void): void;
  replaceSelection(text: string): void;
  focus(): void;
  markText(from: Place, to: Place, options: { readonly className: string }): { clear(): void };
  refresh(): void;
  getLine(line: number): string | undefined;
  getCursor(): Place;
  setCursor(place: Place): void;
  showHint?(options: Record<string, unknown>): void;
}

interface Library {
  (place: HTMLElement, options: Record<string, unknown>): Editor;
}

/** Where the build has put it; "" where there was none to be built in. */
declare const EMBAN_CODEMIRROR_PATH: string;

const slot = Symbol.for("emban.codemirror");
let loading: Promise<Library> | null = null;

function load(): Promise<Library> {
  loading ??= new Promise<Library>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = EMBAN_CODEMIRROR_PATH;
    script.onload = () => {
      const library = (globalThis as unknown as { [slot]?: Library })[slot];
      if (library) resolve(library);
      else reject(new Error("codemirror did not register"));
    };
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("codemirror could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

export interface EditorHandle {
  readonly insert: (text: string) => void;
  readonly focus: () => void;
  /** Underlines what the server found wrong; lines and columns count from 1. Null takes it away. */
  readonly mark: (position: { readonly line: number; readonly column: number } | null) => void;
}

interface SqlEditorProps {
  readonly value: string;
  readonly onText: (text: string) => void;
  /** With what stands in the editor at this moment: the page hears of the last letter a little later. */
  readonly onRun: (text: string) => void;
  /** Tables and columns. */
  readonly completions: readonly Completion[];
  readonly handle: { current: EditorHandle | null };
}

/** SQL with colours and completion; a plain text field until, or unless, the editor is there: the style sheet hides it then. */
export function SqlEditor({ value, onText, onRun, completions, handle }: SqlEditorProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef({ value, onText, onRun, completions });
  latest.current = { value, onText, onRun, completions };
  useEffect(() => {
    let isGone = false;
    /** Somebody wants to type who came before the editor. */
    let isWanted = false;
    let marked: { clear(): void } | null = null;
    handle.current = {
      insert: (text) => {
        if (!editor.current) return latest.current.onText(`${latest.current.value}${text}`);
        editor.current.replaceSelection(text);
        return editor.current.focus();
      },
      mark: (position) => {
        marked?.clear();
        marked = null;
        const now = editor.current;
        if (!position || !now) return;
        const text = now.getLine(position.line - 1) ?? "";
        const [start, end] = wrongPart(text, position.column - 1);
        marked = now.markText({ line: position.line - 1, ch: start }, { line: position.line - 1, ch: end }, { className: "sql-wrong" });
        now.setCursor({ line: position.line - 1, ch: start });
        now.focus();
      },
      focus: () => {
        if (editor.current) editor.current.focus();
        else isWanted = true;
      },
    };
    const hint = (now: Editor) => {
      const { line, ch } = now.getCursor();
      const word = /[\w.`]*$/.exec((now.getLine(line) ?? "").slice(0, ch))?.[0] ?? "";
      const list = complete(word, latest.current.completions).map(({ text, note }) => ({
        text,
        render: (element: HTMLElement) => {
          const name = document.createElement("span");
          const kind = document.createElement("span");
          name.textContent = text;
          kind.textContent = note;
          kind.className = "hint-note";
          element.append(name, kind);
        },
      }));
      return { list, from: { line, ch: ch - word.length }, to: { line, ch } };
    };
    load().then(
      (library) => {
        const element = place.current;
        if (isGone || !element || editor.current) return;
        element.replaceChildren();
        const made = library(element, {
          value: latest.current.value, mode: "text/x-sql", lineNumbers: true, lineWrapping: true, indentUnit: 2, tabSize: 2,
          inputStyle: "contenteditable", screenReaderLabel: words.query.editor,
          extraKeys: {
            "Ctrl-Enter": (now: Editor) => latest.current.onRun(now.getValue()), "Cmd-Enter": (now: Editor) => latest.current.onRun(now.getValue()), "Ctrl-Space": "autocomplete", Tab: false,
            "Shift-Tab": false,
          },
          hintOptions: { completeSingle: false, hint },
        });
        made.on("change", (now, change) => {
          marked?.clear();
          latest.current.onText(now.getValue());
          if (change.origin === "+input" && /[\w.]$/.test(change.text[0] ?? "")) made.showHint?.({ completeSingle: false, hint });
        });
        editor.current = made;
        if (isWanted) made.focus();
        // Measured anew once the page around it has its size: the gutter would be too wide.
        requestAnimationFrame(() => made.refresh());
        element.dataset["ready"] = "";
      },
      () => undefined,
    );
    return () => {
      isGone = true;
      editor.current = null;
      handle.current = null;
    };
  }, [handle]);
  // In the commit itself: a moment later the editor may hold the next letter already, which an older text would take away again.
  useLayoutEffect(() => {
    if (editor.current && editor.current.getValue() !== value) editor.current.setValue(value);
  }, [value]);
  return (
    <div
      className="sql-editor"
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || editor.current) return;
        event.preventDefault();
        onRun(value);
      }}
    >
      <div ref={place} />
      <div className="sql-plain"><TextArea mono rows={10} spellCheck={false} aria-label={words.query.editor} value={value} onText={onText} /></div>
    </div>
  );
}
