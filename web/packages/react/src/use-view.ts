import { useCallback, useEffect, useRef, useState } from "react";
import { readTheme, type ControllerEvent, type Theme } from "@emban/core";
import styles from "emban-styles";
import { DashboardView } from "../../element/src/dashboard-view";
import { useSession, type DrillEvent, type ErrorEvent } from "./context";

let sheet: CSSStyleSheet | null = null;

function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
  }
  return sheet;
}

/** What the element around the dashboard decides. */
interface Look {
  readonly theme: string;
  readonly live: boolean | null;
}

/** Draws the dashboard, or one widget of it, into the shadow root of the element that the result is given to as `ref`. */
export function useView(only: string | null, ownTheme: Theme | undefined): (element: HTMLElement | null) => void {
  const { shared, theme, live = null, drilled, failed } = useSession();
  const [element, setElement] = useState<HTMLElement | null>(null);
  const shown = useRef<DashboardView | null>(null);
  const content = JSON.stringify({ ...theme, ...ownTheme });
  const look = useRef<Look>({ theme: content, live });

  const apply = useCallback((view: DashboardView) => {
    view.setLive(look.current.live);
    try {
      view.setTheme(readTheme(JSON.parse(look.current.theme)));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      failed({ code: "invalid_theme", message: error.message });
    }
  }, [failed]);

  useEffect(() => {
    look.current = { theme: content, live };
    if (shown.current) apply(shown.current);
  }, [content, live, apply]);

  useEffect(() => {
    if (!element) return undefined;
    // A shadow root cannot be taken off again: mounting for the second time finds it.
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    let listener: ((event: ControllerEvent) => void) | null = null;
    const view = new DashboardView(element, {
      host: shared.host,
      assets: shared.host,
      ...(only !== null && { only }),
      share: (told) => {
        listener = told;
        shared.attach(told, only);
        return shared.controller;
      },
      emit: (name, detail) => {
        if (name === "drill") drilled(detail as unknown as DrillEvent);
        // The provider hears of the controller's own errors by itself.
        if (name === "error" && !shared.isTelling) failed(detail as unknown as ErrorEvent);
      },
    });
    shown.current = view;
    root.replaceChildren(view.root);
    view.connect();
    apply(view);
    const release = shared.want(only);
    if (listener) shared.tellAll(listener);
    return () => {
      shown.current = null;
      if (listener) shared.detach(listener);
      release();
      view.disconnect();
      root.replaceChildren();
    };
  }, [element, shared, only, drilled, failed, apply]);

  return setElement;
}
