/** Where this script came from, without `/sdk/…` or `/web/…`: the default server of the elements on this page. */
export const scriptBase: string = (() => {
  // Imported where pages are rendered on a server.
  if (typeof document === "undefined") return "";
  const cut = (source: string) => source.replace(/\/(sdk|web|web-components)\/[^/]*$/, "");
  const current = document.currentScript;
  if (current instanceof HTMLScriptElement && current.src) return cut(current.src);
  // A module script has no currentScript: look for the tag that named us.
  for (const script of Array.from(document.scripts)) {
    if (/\/(sdk\/emban-dashboard|web-components\/[\w-]+)\.js(\?|$)/.test(script.src)) return cut(script.src.replace(/[?#].*$/, ""));
  }
  return "";
})();
