// The code under test is bundled by `node web/build.mjs` (or its `--tests`) into .build/web-tests.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export async function load(name) {
  const file = join(root, ".build/web-tests", `${name}.mjs`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run node web/build.mjs first`);
  return import(pathToFileURL(file).href);
}

/** The real ECharts, drawing to an SVG string as it does in the worker. */
export function loadECharts() {
  const file = join(root, ".build/vendor/echarts/echarts.min.js");
  const module = { exports: {} };
  new Function("exports", "module", "require", readFileSync(file, "utf8"))(module.exports, module, createRequire(import.meta.url));
  return module.exports;
}

export function widget(changes = {}) {
  return {
    id: "w", title: "Calls", kind: "timeseries", chart: "area", position: { x: 0, y: 0, w: 6, h: 4 },
    query: { event_name: "api.call", metric: "count" }, ...changes,
  };
}

export function meta(changes = {}) {
  return { from: "2026-11-01T00:00:00Z", to: "2026-11-04T00:00:00Z", granularity: "day", timezone: "UTC", ...changes };
}

export function chartContext(core, changes = {}) {
  return {
    theme: core.resolveTheme(undefined, false), locale: "en", timezone: "UTC", width: 600, height: 300, animate: false, hidden: new Set(),
    selected: new Set(), interactive: true, fontFamily: "sans-serif", ...changes,
  };
}
