import assert from "node:assert/strict";
import { test } from "node:test";
import { load, meta, widget } from "./bundle.mjs";

const core = await load("core");
const context = { locale: "en", timezone: "UTC" };
const kpi = (row, columns = ["value"]) => ({ columns: columns.map((name, index) => ({ name, type: "number", role: index === 0 ? "measure" : "comparison" })), rows: [row], previous: null, meta: meta() });
const compared = ["value", "previous_value", "delta_pct"];

test("a change has direction, size and meaning", () => {
  const stat = widget({ kind: "kpi", chart: "stat", title: "Calls", query: { metric: "count", compare: "previous_period" } });
  const up = core.kpiModel(stat, kpi({ value: 120, previous_value: 100, delta_pct: 20 }, compared), context);
  assert.deepEqual(up.delta, { direction: "up", tone: "good", text: "20%", previousText: "100" });
  const latency = widget({ kind: "kpi", chart: "stat", title: "Latency", query: { metric: "p95", numeric_prop: "latency_ms" } });
  assert.equal(core.kpiModel(latency, kpi({ value: 120, previous_value: 100, delta_pct: 20 }, compared), context).delta.tone, "bad");
  assert.equal(core.kpiModel({ ...latency, options: { good_direction: "none" } }, kpi({ value: 1, previous_value: 1, delta_pct: 20 }, compared), context).delta.tone, "neutral");
  const spend = widget({ kind: "kpi", chart: "stat", title: "Spend", query: { metric: "sum", numeric_prop: "cost_usd", compare: "previous_period" } });
  assert.equal(core.kpiModel(spend, kpi({ value: 120, previous_value: 100, delta_pct: 20 }, compared), context).delta.tone, "neutral");
  assert.equal(core.goodDirection({ ...spend, options: { good_direction: "up" } }), "up");
  assert.equal(core.goodDirection(widget({ kind: "breakdown", chart: "list", query: { event_name: "api.call", metric: "count", group_by: "status" } })), "none");
  assert.equal(core.kpiModel(stat, kpi({ value: 5, previous_value: 0, delta_pct: null }, compared), context).delta, null);
});

test("progress: part of the target, what is left, what is over", () => {
  const progress = widget({ kind: "kpi", chart: "progress", options: { target: 1000, target_label: "plan limit" } });
  const at = (value) => core.progressModel(progress, kpi({ value }), context);
  assert.deepEqual([at(250).percentText, at(250).targetText, at(250).restText, at(250).level], ["25%", "of 1,000 plan limit", "750 left", "normal"]);
  assert.deepEqual([at(900).level, at(1500).level, at(1500).restText], ["near", "over", "500 over"]);
  assert.equal(core.progressModel(widget({ kind: "kpi", chart: "progress" }), kpi({ value: 5 }), context).ratio, null);
});

test("empty means nothing to draw: no rows, no value, or only zeros over time", () => {
  assert.ok(core.isEmpty(widget({ kind: "kpi", chart: "stat" }), kpi({ value: null })));
  assert.ok(!core.isEmpty(widget({ kind: "kpi", chart: "stat" }), kpi({ value: 0 })));
  const zeros = { columns: [{ name: "time", type: "datetime", role: "time" }, { name: "value", type: "number", role: "measure" }], rows: [{ time: "2026-11-01T00:00:00Z", value: 0 }], previous: null, meta: meta() };
  assert.ok(core.isEmpty(widget(), zeros));
});

test("columns are found by role, also where a property is called like a measure", () => {
  const result = {
    columns: [{ name: "value_", type: "string", role: "dimension" }, { name: "value", type: "number", role: "measure" }, { name: "share", type: "number", role: "share" }],
    rows: [{ value_: "gold", value: 7, share: 0.7 }, { value_: "", value: 3, share: 0.3 }], previous: null, meta: meta({ granularity: null }),
  };
  const list = widget({ kind: "breakdown", chart: "list", query: { metric: "count", group_by: "value" } });
  const model = core.breakdownModel(list, result, context);
  assert.deepEqual(model.items.map((item) => [item.label, item.text, item.shareText]), [["gold", "7", "70%"], ["(none)", "3", "30%"]]);
  assert.deepEqual(core.tableColumns(list, result).map((column) => column.label), ["Value", "Count", "Share"]);
});

test("sorting is stable, by number or by language, with absent values last both ways", () => {
  const rows = [{ n: 2, t: "b10" }, { n: null, t: "a" }, { n: 1, t: "b9" }, { n: 2, t: "Ä" }];
  const by = (name, numeric, ascending) => core.sortRows(rows, { name, numeric, label: name, kind: "text" }, ascending, "en");
  assert.deepEqual(by("n", true, true).map((row) => row.n), [1, 2, 2, null]);
  assert.deepEqual(by("n", true, false).map((row) => row.t), ["b10", "Ä", "b9", "a"]);
  assert.deepEqual(by("t", false, true).map((row) => row.t), ["a", "Ä", "b9", "b10"]);
});

test("the grid: as placed on 12 columns, gapless on 6, one by one on 1", () => {
  const at = (id, kind, x, y, w, h) => ({ ...widget(), id, kind, position: { x, y, w, h } });
  const widgets = [at("c", "timeseries", 0, 2, 8, 4), at("a", "kpi", 0, 0, 3, 2), at("b", "kpi", 3, 0, 3, 2), at("d", "breakdown", 8, 2, 4, 4)];
  assert.deepEqual(core.layout(widgets, "wide").find((place) => place.id === "c"), { id: "c", column: 1, row: 3, columns: 8, rows: 4 });
  assert.equal(core.layout(widgets.filter((one) => one.kind !== "kpi"), "wide")[0].row, 1);
  const medium = core.layout(widgets, "medium");
  assert.deepEqual(medium.map((place) => [place.id, place.column, place.row, place.columns]), [["a", 1, 1, 3], ["b", 4, 1, 3], ["c", 1, 3, 6], ["d", 1, 7, 6]]);
  const pair = [at("a", "kpi", 0, 0, 4, 2), at("b", "kpi", 4, 0, 4, 3), at("c", "table", 0, 3, 12, 4)];
  assert.deepEqual(core.layout(pair, "medium").map((place) => [place.column, place.columns, place.rows]), [[1, 3, 3], [4, 3, 3], [1, 6, 4]]);
  assert.deepEqual(core.layout(widgets, "narrow").map((place) => place.id), ["a", "b", "c", "d"]);
  for (const place of core.layout([at("wild", "kpi", 11, -3, 40, 0)], "wide")) {
    assert.ok(place.column + place.columns <= 13 && place.row >= 1 && place.rows >= 1);
  }
  assert.deepEqual([core.gridSize(480), core.gridSize(481), core.gridSize(1200)], ["narrow", "medium", "wide"]);
});

test("what a session hides leaves no hole: rows are shared out, what lost its support moves up, rows stay in line", () => {
  const at = (id, x, y, w, h) => ({ ...widget(), id, position: { x, y, w, h } });
  const all = [at("a", 0, 0, 3, 2), at("b", 3, 0, 3, 2), at("c", 6, 0, 3, 2), at("d", 9, 0, 3, 2), at("big", 0, 2, 8, 4), at("up", 8, 2, 4, 2), at("low", 8, 4, 4, 2), at("end", 0, 6, 7, 4), at("side", 7, 6, 5, 4)];
  const places = (...hidden) => Object.fromEntries(core.layout(all.filter((one) => !hidden.includes(one.id)), "wide").map(({ id, column, row, columns, rows }) => [id, [column, row, columns, rows]]));
  const whole = places();
  for (const { id, position: { x, y, w, h } } of all) assert.deepEqual(whole[id], [x + 1, y + 1, w, h], "nothing hidden, nothing moved");
  assert.deepEqual([places("b").a, places("b").c, places("b").d], [[1, 1, 4, 2], [5, 1, 4, 2], [9, 1, 4, 2]]);
  assert.deepEqual(places("a", "b", "c").d, [1, 1, 12, 2]);
  assert.deepEqual(places("a", "b", "c", "d").big, [1, 1, 8, 4]);
  assert.deepEqual(places("up").low, [9, 3, 4, 4], "moves up and fills");
  assert.deepEqual(places("low").up, [9, 3, 4, 4]);
  assert.deepEqual(places("up", "low").big, [1, 3, 12, 4]);
  assert.deepEqual(places("big").up, [1, 3, 12, 2]);
  assert.deepEqual([places("side").end, places("end").side], [[1, 7, 12, 4], [1, 7, 12, 4]]);
  assert.deepEqual(core.layout([at("thin", 5, 0, 2, 2)], "wide").map((place) => [place.column, place.columns]), [[1, 8]], "at most four times as wide");
  // Widgets that an author put on top of each other come apart.
  const [one, two] = core.layout([at("one", 0, 0, 8, 3), at("two", 4, 1, 8, 3)], "wide");
  assert.ok(two.row >= one.row + one.rows);
  for (let mask = 0; mask < 512; mask += 1) {
    const shown = core.layout(all.filter((_one, index) => mask & (1 << index)), "wide");
    const cells = new Set();
    for (const { column, row, columns, rows } of shown) {
      assert.ok(column >= 1 && column + columns <= 13 && row >= 1);
      for (let x = column; x < column + columns; x += 1) for (let y = row; y < row + rows; y += 1) {
        assert.ok(!cells.has(`${x}/${y}`), `no overlap in ${mask}`);
        cells.add(`${x}/${y}`);
      }
    }
    const height = Math.max(0, ...shown.map(({ row, rows }) => row + rows - 1));
    assert.equal(cells.size, height * 12, `no hole in ${mask}`);
  }
});
