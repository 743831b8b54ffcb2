import type { Theme } from "@emban/core";

/** Custom properties that pages may set for an element, or anything around it; charts follow them, too. */
const properties: Readonly<Record<string, keyof Theme>> = {
  "--emban-primary-color": "primaryColor",
  "--emban-background": "backgroundColor",
  "--emban-card-background": "cardBackground",
  "--emban-card-border": "cardBorder",
  "--emban-text-color": "textColor",
  "--emban-muted-color": "mutedColor",
  "--emban-font-family": "fontFamily",
};

/** The colours and the font that the page's style sheets give `host`. */
export function themeOfPage(host: HTMLElement): Theme {
  if (!host.isConnected) return {};
  const style = getComputedStyle(host);
  const found = Object.entries(properties).map(([property, key]) => [key, style.getPropertyValue(property).trim()] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== ""));
}

/** Puts `root`, which stands in the document already, into `shadow` with what only the document knows: focus, scrolling, open dialogs. */
export function moveInto(shadow: ShadowRoot, root: HTMLElement): void {
  const mover = shadow as ShadowRoot & { moveBefore?: (node: Node, before: Node | null) => void };
  if (mover.moveBefore && root.isConnected && shadow.isConnected) {
    try {
      mover.moveBefore(root, null);
      return;
    } catch {
      // Not between these two: then the long way.
    }
  }
  const focused = (root.getRootNode() as Document | ShadowRoot).activeElement;
  const scrolled = Array.from(root.querySelectorAll("*")).filter((element) => element.scrollTop !== 0 || element.scrollLeft !== 0)
    .map((element) => ({ element, top: element.scrollTop, left: element.scrollLeft }));
  const dialogs = Array.from(root.querySelectorAll<HTMLDialogElement>("dialog[open]"));
  shadow.replaceChildren(root);
  for (const dialog of dialogs) {
    dialog.removeAttribute("open");
    dialog.showModal();
  }
  for (const { element, top, left } of scrolled) {
    element.scrollTop = top;
    element.scrollLeft = left;
  }
  if (focused instanceof HTMLElement && root.contains(focused)) focused.focus({ preventScroll: true });
}
