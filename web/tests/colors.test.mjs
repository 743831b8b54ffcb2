import assert from "node:assert/strict";
import { test } from "node:test";
import { chartContext, load, meta, widget } from "./bundle.mjs";

const core = await load("core");
const lines = widget({ chart: "line", query: { metric: "count", group_by: "model" } });
const ring = widget({ kind: "breakdown", chart: "donut", query: { metric: "count", group_by: "model" } });
const column = (name, role, type = "number") => ({ name, role, type });
const overTime = (keys) => ({
  columns: [column("time", "time", "datetime"), column("model", "dimension", "string"), column("value", "measure")],
  rows: keys.flatMap((model, position) => [1, 2].map((day) => ({ time: `2026-11-0${day}T00:00:00Z`, model, value: 100 - position }))), previous: null, meta: meta(),
});
const shares = (keys) => ({ columns: [column("model", "dimension", "string"), column("value", "measure")], rows: keys.map((model, index) => ({ model, value: 9 - index })), previous: null, meta: meta() });

/** Draws as the page does: claims, then builds. */
function colorsOf(slots, one, result) {
  const context = chartContext(core);
  const keys = core.colorKeys(one, result);
  const view = core.chartView(one, result, { ...context, slots: slots.claim(keys.dimension, keys.values, core.colorCount(context.theme)) });
  return Object.fromEntries(view.legend.map((item) => [item.key, item.color]));
}

test("a value keeps its colour when order, company and widget change", () => {
  const slots = new core.ColorSlots();
  const first = colorsOf(slots, lines, overTime(["gpt-4", "claude", "mini"]));
  assert.equal(new Set(Object.values(first)).size, 3);
  const later = colorsOf(slots, lines, overTime(["mini", "new", "gpt-4"]));
  assert.deepEqual([later["gpt-4"], later.mini], [first["gpt-4"], first.mini]);
  assert.ok(!Object.values(first).includes(later.new), "a newcomer takes no colour that is taken while others are free");
  assert.deepEqual(colorsOf(slots, ring, shares(["claude", "gpt-4"])), { claude: first.claude, "gpt-4": first["gpt-4"] });
  const alone = core.chartView(lines, overTime(["mini"]), chartContext(core, { slots: slots.claim("model", ["mini"], 8) }));
  assert.equal(alone.option.series[0].color, first.mini, "also when it is the only one left");
});

test("the marks have the colour of their legend", () => {
  const slots = new core.ColorSlots().claim("model", ["b", "a"], 8);
  const view = core.chartView(lines, overTime(["a", "b"]), chartContext(core, { slots }));
  assert.deepEqual(view.option.series.map((mark) => mark.color), view.legend.map((item) => item.color));
});

test("with more values than colours those beside each other differ as far as they can", () => {
  const slots = new core.ColorSlots();
  const names = Array.from({ length: 12 }, (_unused, index) => `v${index}`);
  slots.claim("model", names.slice(0, 8), 8);
  const mixed = slots.claim("model", ["v0", "v1", "v8", "v9", "v10"], 8);
  assert.equal(new Set(mixed.values()).size, 5);
  const many = slots.claim("model", names, 8);
  assert.ok([...many.values()].every((slot) => slot >= 0 && slot < 8));
  assert.ok([...slots.claim("model", names, 3).values()].every((slot) => slot < 3), "a theme with fewer colours");
});

test("more values than the palette has are still told apart, in paler and stronger tones", () => {
  const slots = new core.ColorSlots();
  for (const mode of ["light", "dark"]) {
    const theme = core.resolveTheme({ mode }, false);
    const colors = Array.from({ length: core.colorCount(theme) }, (_unused, slot) => core.colorAt(theme, slot));
    assert.equal(new Set(colors).size, 24);
    assert.ok(colors.every((color) => core.contrast(core.visible(color, chartContext(core, { theme })), theme.card) >= 2));
  }
  const names = Array.from({ length: 10 }, (_unused, index) => `v${index}`);
  colorsOf(slots, ring, shares(names));
  assert.equal(new Set(Object.values(colorsOf(slots, lines, overTime(["v0", "v1", "v8", "v9"])))).size, 4);
});

test("dimensions are apart, and what is remembered is bounded", () => {
  const slots = new core.ColorSlots();
  assert.equal(slots.claim("model", ["x"], 8).get("x"), 0);
  assert.equal(slots.claim("region", ["y"], 8).get("y"), 0);
  for (let index = 0; index < 5000; index += 1) {
    slots.claim("model", ["x", `n${index}`], 8);
    slots.claim(`d${index}`, ["z"], 8);
  }
  assert.equal(slots.claim("model", ["x"], 8).get("x"), 0, "what is in use stays");
  assert.ok(JSON.stringify([...slots.dimensions].map(([, values]) => values.size)).length < 1000);
  assert.ok(slots.dimensions.size <= 64 && slots.dimensions.get("model").size <= 500);
});

test("without slots, as on the server, the colours follow from the data alone", () => {
  const view = () => core.chartView(lines, overTime(["a", "b"]), chartContext(core)).legend.map((item) => item.color);
  assert.deepEqual(view(), view());
  assert.equal(core.colorKeys(widget(), overTime(["a"]))?.dimension, "model");
  assert.equal(core.colorKeys(widget({ kind: "breakdown", chart: "bar", query: { metric: "count", group_by: "model" } }), shares(["a"])), null);
});
