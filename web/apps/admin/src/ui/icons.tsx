/** Strokes on a 16-pixel grid, in the manner of the viewer's own. */
const paths = {
  home: "M2.75 7.25 8 2.75l5.25 4.5V13h-3.5V9.5h-3.5V13h-3.5z",
  events: "M2.5 8h2.25L6.5 3.5l3 9L11.25 8h2.25",
  dashboard: "M2.75 2.75h4.5v6h-4.5zM9.75 2.75h3.5v3h-3.5zM9.75 8.25h3.5v5h-3.5zM2.75 11.25h4.5v2h-4.5z",
  key: "M9.9 6.1a3.2 3.2 0 1 1-3.1 4.2m0 0L2.75 6.25V3h2.5v1.75H7v1.75h1.5l.9.9M10.75 10h.01",
  session: "M2.75 3.25h10.5v7.5H2.75zM5.5 13.25h5M8 10.75v2.5",
  tenants: "M5.75 7.25a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM2 13c.2-2.2 1.6-3.75 3.75-3.75S9.3 10.8 9.5 13M10.25 3.5a2 2 0 0 1 0 3.6M11.5 9.6c1.45.45 2.35 1.7 2.5 3.4",
  members: "M8 7.25a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5ZM3.25 13.25c.25-2.5 2-4 4.75-4s4.5 1.5 4.75 4",
  audit: "M4 2.75h8v10.5H4zM6.25 5.5h3.5M6.25 8h3.5m-3.5 2.5h2",
  usage: "M3 13V8.5m3.33 4.5V3m3.34 10V6M13 13v-2.5",
  settings: "M2.5 4.5h5m3 0h3M2.5 8h1.5m3 0h6.5M2.5 11.5h6m3 0h2M9 3v3M5.5 6.5v3M10 10v3",
  query: "m4.5 5-2.25 3L4.5 11m7-6 2.25 3-2.25 3M9.25 3.5l-2.5 9",
  chevron: "M4.5 6.5 8 10l3.5-3.5",
  up: "M4.5 9.5 8 6l3.5 3.5",
  right: "m6.5 4.5 3.5 3.5-3.5 3.5",
  left: "M9.5 4.5 6 8l3.5 3.5",
  back: "M12.5 8h-9m0 0L7 4.5M3.5 8 7 11.5",
  close: "m4.5 4.5 7 7m0-7-7 7",
  check: "m3.5 8.5 3 3 6-7",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  search: "M7.25 12a4.75 4.75 0 1 0 0-9.5 4.75 4.75 0 0 0 0 9.5Zm3.5-1.25L13.5 13.5",
  copy: "M5.75 5.75h7.5v7.5h-7.5zM10.25 5.5V2.75h-7.5v7.5H5.5",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.75 7v3.5M9.25 7v3.5",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  undo: "M5.75 3 2.75 6l3 3M3 6h6.25a3.5 3.5 0 0 1 0 7H6",
  redo: "m10.25 3 3 3-3 3M13 6H6.75a3.5 3.5 0 0 0 0 7H10",
  eye: "M1.75 8S4 3.75 8 3.75 14.25 8 14.25 8 12 12.25 8 12.25 1.75 8 1.75 8ZM8 9.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5Z",
  publish: "M8 10.5v-7m0 0L5 6.5m3-3 3 3M3 12.75h10",
  download: "M8 2.5v7.5m0 0L5 7m3 3 3-3M3 13h10",
  upload: "M8 10V2.5m0 0L5 5.5m3-3 3 3M3 13h10",
  history: "M2.75 8A5.25 5.25 0 1 0 4.5 4.1L2.75 5.75m0-3v3h3M8 5v3.25l2 1.25",
  alert: "M8 5v3.5m0 2.2v.05M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z",
  info: "M8 7.5V11m0-5.75v.05M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z",
  warning: "M8 6v3m0 1.9v.05M7.1 2.9 1.9 12c-.4.7.1 1.5.9 1.5h10.4c.8 0 1.3-.8.9-1.5L8.9 2.9c-.4-.7-1.4-.7-1.8 0Z",
  sun: "M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM8 1.75V3m0 10v1.25M3.6 3.6l.9.9m7 7 .9.9M1.75 8H3m10 0h1.25M3.6 12.4l.9-.9m7-7 .9-.9",
  moon: "M13.25 9.5A5.5 5.5 0 0 1 6.5 2.75a5.5 5.5 0 1 0 6.75 6.75Z",
  screen: "M2.75 3.25h10.5v7.5H2.75zM5.5 13.25h5M8 10.75v2.5",
  tablet: "M4 2.25h8v11.5H4zM7.5 11.75h1",
  phone: "M5 2.25h6v11.5H5zM7.5 11.75h1",
  logout: "M6.5 2.75h-3.75v10.5H6.5M10.5 5l3 3-3 3M13.25 8H6",
  user: "M8 7.25a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5ZM3.25 13.25c.25-2.5 2-4 4.75-4s4.5 1.5 4.75 4",
  lock: "M4.5 7.25h7v6h-7zM5.75 7.25V5.5a2.25 2.25 0 0 1 4.5 0v1.75",
  grip: "M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01",
  wand: "m3 13 6.5-6.5M11.5 2v3M10 3.5h3M13 8v2M12 9h2M5.5 2.5v2M4.5 3.5h2",
  palette: "M8 2.25a5.75 5.75 0 1 0 0 11.5c1 0 1.4-.7 1.1-1.5-.4-1 .2-1.75 1.2-1.75h1.2c1.3 0 2.25-.9 2.25-2.25C13.75 4.75 11.2 2.25 8 2.25ZM5 8h.01M6.25 5.25h.01M9.75 5.25h.01",
  filter: "M2.5 4h11m-9 4h7m-5 4h3",
  external: "M9.5 2.75h3.75V6.5M13 3 7.75 8.25M6.5 3.25H2.75v10h10V9.5",
  menu: "M2.75 4.5h10.5M2.75 8h10.5M2.75 11.5h10.5",
  refresh: "M13.25 8a5.25 5.25 0 1 1-1.7-3.85L13.25 5.75m0-3v3h-3",
  pause: "M5.75 3.5v9m4.5-9v9",
  play: "M4.75 3.25v9.5L12.5 8z",
  mail: "M2.25 3.75h11.5v8.5H2.25zM2.5 4.25 8 8.5l5.5-4.25",
  link: "M6.75 9.25a2.5 2.5 0 0 0 3.55 0l2.2-2.2A2.5 2.5 0 0 0 8.95 3.5l-.7.7M9.25 6.75a2.5 2.5 0 0 0-3.55 0l-2.2 2.2A2.5 2.5 0 0 0 7.05 12.5l.7-.7",
  table: "M2.5 6.5h11m-11 3.5h11M6.5 6.5V13M3.5 3h9c.6 0 1 .4 1 1v8c0 .6-.4 1-1 1h-9c-.6 0-1-.4-1-1V4c0-.6.4-1 1-1Z",
  calendar: "M3 6.5h10M5.5 2v2.5m5-2.5v2.5M4 3.25h8c.6 0 1 .4 1 1V12c0 .6-.4 1-1 1H4c-.6 0-1-.4-1-1V4.25c0-.6.4-1 1-1Z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg className="icon" viewBox="0 0 16 16" width={size} height={size} fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

/** The product's sign: rising bars in a frame. */
export function Logo({ size = 24 }: { readonly size?: number }): JSX.Element {
  return (
    <svg className="logo-mark" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <rect width="24" height="24" rx="6.5" fill="var(--primary)" />
      <path d="M7 16.5v-4m5 4v-9m5 9v-6" stroke="var(--on-primary)" strokeWidth="2.4" strokeLinecap="round" fill="none" />
    </svg>
  );
}
