/** The page's few rules, adopted by script so that it costs no request and no exception in the content security policy. */
export function adoptPageStyle(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    html { min-height: 100%; font-family: Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    html.autoheight { overflow: hidden; }
    body { margin: 0; }
  `);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
