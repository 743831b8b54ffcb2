type Child = Node | string | null | undefined | false;

interface Props {
  readonly class?: string;
  readonly attrs?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  readonly vars?: Readonly<Record<string, string>>;
}

/** Makes an element. Strings become text nodes, so that no data is ever read as markup. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class) element.className = props.class;
  for (const [name, value] of Object.entries(props.attrs ?? {})) setAttribute(element, name, value);
  for (const [name, listener] of Object.entries(props.on ?? {})) element.addEventListener(name, listener);
  // Set through the object model: a style attribute would be refused by a strict content security policy.
  for (const [name, value] of Object.entries(props.vars ?? {})) element.style.setProperty(name, value);
  append(element, children);
  return element;
}

export function append(element: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child);
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

export function setAttribute(element: Element, name: string, value: string | number | boolean | null | undefined): void {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

let counter = 0;
/** An id that is unique in the document, for aria references. */
export function uniqueId(prefix: string): string {
  counter += 1;
  return `emban-${prefix}-${counter}`;
}

const paths = {
  chevron: "M4.5 6.5 8 10l3.5-3.5",
  close: "m4.5 4.5 7 7m0-7-7 7",
  check: "m3.5 8.5 3 3 6-7",
  search: "M7.25 12a4.75 4.75 0 1 0 0-9.5 4.75 4.75 0 0 0 0 9.5Zm3.5-1.25L13.5 13.5",
  calendar: "M3 6.5h10M5.5 2v2.5m5-2.5v2.5M4 3.25h8c.6 0 1 .4 1 1V12c0 .6-.4 1-1 1H4c-.6 0-1-.4-1-1V4.25c0-.6.4-1 1-1Z",
  table: "M2.5 6.5h11m-11 3.5h11M6.5 6.5V13M3.5 3h9c.6 0 1 .4 1 1v8c0 .6-.4 1-1 1h-9c-.6 0-1-.4-1-1V4c0-.6.4-1 1-1Z",
  chart: "M3 13V8.5m3.33 4.5V3m3.34 10V6M13 13v-2.5",
  up: "M8 12.5v-9m0 0L4.5 7M8 3.5 11.5 7",
  down: "M8 3.5v9m0 0L11.5 9M8 12.5 4.5 9",
  flat: "M3.5 8h9m0 0L9 4.5M12.5 8 9 11.5",
  sortUp: "m4.5 9.5 3.5-3.5 3.5 3.5",
  sortDown: "m4.5 6.5 3.5 3.5 3.5-3.5",
  alert: "M8 5v3.5m0 2.2v.05M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  download: "M8 2.5v7.5m0 0L5 7m3 3 3-3M3 13h10",
  details: "M2.5 4h11m-11 4h7m-7 4h4.5m4-1.5 2 2m-1-5.25a1.75 1.75 0 1 1 0 3.5 1.75 1.75 0 0 1 0-3.5",
  grip: "M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01",
  layout: "M2.75 2.75h4.5v6h-4.5zM9.75 2.75h3.5v3h-3.5zM9.75 8.25h3.5v5h-3.5zM2.75 11.25h4.5v2h-4.5z",
  plus: "M8 3.5v9M3.5 8h9",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.75 7v3.5M9.25 7v3.5",
  lock: "M4.5 7.25h7v6h-7zM5.75 7.25V5.5a2.25 2.25 0 0 1 4.5 0v1.75",
  empty: "M2.5 13h11M4.5 13V9m3.5 4V6.5m3.5 6.5v-2",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName, size = 16): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const attributes = { viewBox: "0 0 16 16", width: size, height: size, fill: "none", stroke: "currentColor", "stroke-width": 1.5, "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, String(value));
  svg.setAttribute("stroke-linecap", "round");
  svg.setAttribute("stroke-linejoin", "round");
  svg.classList.add("icon");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

/** Draws anew what stands in `container`, and puts the focus back on the element that has the same key, name or text. False when it is lost. */
export function keepFocus(container: Element, draw: () => void): boolean {
  const root = container.getRootNode() as Document | ShadowRoot;
  const focused = root.activeElement;
  if (!focused || focused === container || !container.contains(focused)) {
    draw();
    return true;
  }
  const key = keyOf(focused);
  draw();
  if (focused.isConnected) return true;
  const same = Array.from(container.querySelectorAll<HTMLElement>(focused.localName)).find((candidate) => keyOf(candidate) === key);
  same?.focus({ preventScroll: true });
  return same !== undefined;
}

function keyOf(element: Element): string {
  return element.getAttribute("data-key") ?? element.getAttribute("aria-label") ?? element.textContent ?? "";
}

/** Has `elements` follow each other in `parent` in this order. What need not move stays; the focus and scrolling of what moves stay where they were. */
export function putInOrder(parent: HTMLElement, elements: readonly HTMLElement[]): void {
  if (elements.every((element, index) => parent.children[index] === element)) return;
  const focused = (parent.getRootNode() as Document | ShadowRoot).activeElement;
  const scrolled = Array.from(parent.querySelectorAll("*")).filter((element) => element.scrollTop !== 0 || element.scrollLeft !== 0)
    .map((element) => ({ element, top: element.scrollTop, left: element.scrollLeft }));
  elements.forEach((element, index) => {
    const there = parent.children[index] ?? null;
    if (there !== element) parent.insertBefore(element, there);
  });
  for (const { element, top, left } of scrolled) {
    element.scrollTop = top;
    element.scrollLeft = left;
  }
  if (focused instanceof HTMLElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}
