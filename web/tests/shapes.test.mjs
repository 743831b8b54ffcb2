// The charts beyond lines and bars: what they draw from the answers of docs/queries.md, and what they refuse to draw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chartContext, load, loadECharts, meta, widget } from "./bundle.mjs";

const core = await load("core");
const echarts = loadECharts();
const context = (changes) => chartContext(core, changes);
const column = (name, role, type = "number") => ({ name, role, type });
const day = (index) => `2026-11-0${index + 1}T00:00:00Z`;
const over = (values, more = {}) => ({
  columns: [column("time", "time", "datetime"), column("value", "measure"), ...(more.second ? [column("second_value", "measure")] : [])],
  rows: values.map((value, index) => ({ time: day(index), value, ...(more.second ? { second_value: more.second[index] } : {}) })),
  previous: null,
  meta: meta(),
});
const groups = (values, more = {}) => {
  const total = values.reduce((sum, value) => sum + (value ?? 0), 0);
  return {
    columns: [column("model", "dimension", "string"), column("value", "measure"), column("share", "share"), ...(more.second ? [column("second_value", "measure")] : [])],
    rows: values.map((value, index) => ({
      model: more.other && index === values.length - 1 ? null : more.names?.[index] ?? `m${index}`, value, share: total ? value / total : null,
      ...(more.second ? { second_value: more.second[index] } : {}),
    })),
    previous: null,
    meta: meta({ granularity: null, truncated: more.truncated ?? false }),
  };
};
const by = (chart, query = {}, more = {}) => widget({ kind: "breakdown", chart, query: { event_name: "api.call", metric: "count", group_by: "model", ...query }, ...more });
const heat = (value) => ({
  columns: [column("weekday", "dimension"), column("hour", "dimension"), column("value", "measure")],
  rows: [1, 2, 3, 4, 5, 6, 7].flatMap((weekday) => Array.from({ length: 24 }, (_unused, hour) => ({ weekday, hour, value: value(weekday, hour) }))),
  previous: null,
  meta: meta({ granularity: null }),
});
const value = (number, more = {}) => ({
  columns: [column("value", "measure"), ...Object.keys(more).map((name) => column(name, "comparison"))], rows: [{ value: number, ...more }], previous: null, meta: meta({ granularity: null }),
});

function draw(view, width = 600, height = 300) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption(view.option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

const shapes = [
  ["gauge", widget({ kind: "kpi", chart: "gauge", options: { target: 8, thresholds: [{ value: 3 }, { value: 6, color: "#b3261e" }] } }), [value(5), value(0), value(-4), value(5, { previous_value: 4, delta_pct: 25 })]],
  ["waterfall", widget({ chart: "waterfall" }), [over([3, -5, 2]), over([0, 0, 1]), over([4]), over([null, 2, null])]],
  ["dual_axis", widget({ chart: "dual_axis", query: { metric: "count", second_metric: "avg", second_numeric_prop: "latency_ms" } }), [over([1, 2, 3], { second: [80, null, 120] }), over([-1, 2, 0], { second: [0, 0, 0] })]],
  ["donut", by("donut"), [groups([5, 3, 1]), groups([5]), groups([5, 3, 1], { other: true }), groups([5, 0])]],
  ["funnel", by("funnel"), [groups([10, 6, 3]), groups([5]), groups([3, 6]), groups([5, 3, 1], { other: true })]],
  ["treemap", by("treemap"), [groups([5, 3, 1]), groups([5]), groups([5, 3, 1], { other: true })]],
  ["radar", by("radar"), [groups([5, 3, 1]), groups([5]), groups([5, 3, -1]), groups(Array.from({ length: 30 }, (_unused, index) => 30 - index))]],
  ["scatter", by("scatter", { second_metric: "avg", second_numeric_prop: "latency_ms" }), [groups([5, 3, 1], { second: [100, null, -20] }), groups([5], { second: [1] })]],
  ["bar", by("bar"), [groups([5, -3, 0]), groups(Array.from({ length: 50 }, () => 7))]],
  ["horizontal_bar", by("horizontal_bar"), [groups([-5, -3]), groups([0, 0])]],
  ["heatmap", widget({ kind: "heatmap", chart: "heatmap" }), [heat((weekday, hour) => weekday * hour), heat(() => 0), heat((weekday) => (weekday > 5 ? null : 2))]],
];

test("every shape draws with the real ECharts: light and dark, 240 to 3840 px wide, zeros, gaps, below zero, one and many", () => {
  for (const mode of ["light", "dark"]) {
    const theme = core.resolveTheme({ mode }, false);
    for (const [width, height] of [[240, 90], [600, 300], [3840, 800]]) {
      for (const [name, one, results] of shapes) {
        results.forEach((result, index) => {
          const view = core.chartView(one, result, context({ theme, width, height }));
          if (view.problem !== undefined) return;
          const svg = draw(view, width, height);
          assert.ok(!/NaN|undefined|Infinity/.test(svg), `${name} ${index} ${mode} ${width}: ${svg.match(/.{60}(NaN|undefined|Infinity).{40}/)?.[0]}`);
          assert.match(svg, /<path/);
          assert.equal(view.option.tooltip, undefined, "tooltips are set as text by the face");
          assert.ok(view.summary.startsWith("Calls"), view.summary);
          assert.ok(view.table.rows.every((row) => row.length === view.table.columns.length), name);
        });
      }
    }
  }
});

test("areas have no part below zero, and of nothing but zeros nothing is drawn", () => {
  for (const chart of ["donut", "funnel", "treemap"]) {
    const view = core.chartView(by(chart), groups([5, -1, 3]), context());
    assert.match(view.problem, /cannot show values below zero/);
    assert.deepEqual(view.table.rows.map((row) => row[1]), ["5", "-1", "3"], "the numbers are there");
    assert.match(core.chartView(by(chart), groups([0, 0]), context()).problem, /All values are 0/);
    assert.equal(core.chartView(by(chart), groups([0, 2]), context()).problem, undefined);
  }
  for (const chart of ["bar", "horizontal_bar"]) assert.equal(core.chartView(by(chart), groups([5, -1]), context()).problem, undefined);
});

test("a web has three spokes or more; otherwise there are bars, and a sentence", () => {
  const view = core.chartView(by("radar"), groups([5, 3]), context());
  assert.equal(view.option.series[0].type, "bar");
  assert.match(view.hint, /three/);
  const web = core.chartView(by("radar"), groups([5, 3, 1, 2]), context());
  assert.deepEqual(web.option.radar.indicator.map((one) => one.name), ["m0", "m1", "m2", "m3"]);
  // Against the clock from the top.
  assert.deepEqual([[300, 20], [100, 156], [500, 156]].map(([x, y]) => web.locate(x, y)), [0, -1, -1]);
  assert.deepEqual([[300, 60], [200, 156], [300, 250], [400, 156]].map(([x, y]) => web.locate(x, y)), [0, 1, 2, 3]);
  assert.equal(web.tooltip(0).rows.length, 4);
});

test("a waterfall adds up to its last bar; what cannot be added shows its changes", () => {
  const sum = core.chartView(widget({ chart: "waterfall", query: { metric: "sum", numeric_prop: "net" } }), over([3, -5, 4]), context());
  assert.deepEqual(sum.option.series[0].data.map((one) => one.value), [[0, 0, 3], [1, 3, -2], [2, -2, 2], [3, 0, 2]]);
  assert.deepEqual(sum.tooltip(1).rows.map((row) => row.value), ["-5", "-2"]);
  assert.deepEqual(sum.table.rows.at(-1), ["Total", "", "2"]);
  assert.equal(sum.hit(undefined, 3), null, "the total is no bucket");
  assert.deepEqual(sum.hit(undefined, 1), { range: { from: day(1), to: day(2) } });
  const average = core.chartView(widget({ chart: "waterfall", query: { metric: "avg", numeric_prop: "net" } }), over([3, null, 4]), context());
  assert.deepEqual(average.option.series[0].data.map((one) => one.value), [[0, 0, 3], [1, 3, 3], [2, 3, 4], [3, 0, 4]]);
  assert.equal(average.table.rows.at(-1)[0], "Latest");
});

test("two axes: own names, formats and scales on the same lines", () => {
  const dual = widget({ chart: "dual_axis", query: { metric: "count", second_metric: "p95", second_numeric_prop: "latency_ms" } });
  const view = core.chartView(dual, over([120, 480, 300], { second: [80, 190, 260] }), context());
  const [left, right] = view.option.yAxis;
  assert.equal((left.max - left.min) / left.interval, (right.max - right.min) / right.interval);
  assert.ok(right.max >= 260 && right.axisLabel.formatter(100) === "100 ms");
  assert.deepEqual(view.legend.map((item) => item.name), ["Count", "95th percentile of latency"]);
  assert.notEqual(view.legend[0].color, view.legend[1].color);
  assert.deepEqual(view.tooltip(1).rows.map((row) => row.value), ["480", "190 ms"]);
  const below = core.chartView(dual, over([-40, 80, 0], { second: [10, 20, 30] }), context()).option.yAxis;
  assert.equal(-below[0].min / below[0].interval, -below[1].min / below[1].interval, "zero lies on zero");
  const hidden = core.chartView(dual, over([1, 2, 3], { second: [1, 2, 3] }), context({ hidden: new Set(["second"]) }));
  assert.deepEqual(hidden.option.series.map((one) => one.type), ["bar"]);
  const named = core.chartView({ ...dual, options: { second_label: "Slowest", second_format: { style: "number", unit: "ticks" } } }, over([1], { second: [7] }), context());
  assert.deepEqual(named.tooltip(0).rows.map((row) => [row.name, row.value])[1], ["Slowest", "7 ticks"]);
});

test("the rest beyond the limit comes last, is muted, and means nothing when clicked", () => {
  for (const chart of ["bar", "horizontal_bar", "donut", "funnel", "treemap", "scatter", "radar"]) {
    const view = core.chartView(by(chart), groups([5, 4, 3, 9], { other: true, second: [1, 2, 3, 4], truncated: true }), context());
    assert.equal(view.hit(undefined, 3), null, chart);
    assert.deepEqual(view.hit(undefined, 0), { dimension: "model", value: "m0" });
    assert.equal(view.table.rows[3][0], "Other");
    assert.equal(view.hint, undefined, "nothing is out of sight");
  }
  assert.match(core.chartView(by("bar"), groups([5, 4], { truncated: true }), context()).hint, /Top 2/);
  const lines = {
    columns: [column("time", "time", "datetime"), column("model", "dimension", "string"), column("value", "measure")],
    rows: [0, 1, 2].flatMap((index) => [{ time: day(index), model: null, value: 90 }, { time: day(index), model: "a", value: 5 }, { time: day(index), model: "", value: 7 }]),
    previous: null, meta: meta({ truncated: true }),
  };
  const stacked = widget({ chart: "stacked_bar", query: { metric: "count", group_by: "model" } });
  const view = core.chartView(stacked, lines, context());
  assert.deepEqual(view.legend.map((item) => item.name), ["(none)", "a", "Other"]);
  assert.equal(view.hit(`s:${core.otherKey}`, 0), null);
  assert.deepEqual(core.colorKeys(stacked, lines).values, ["", "a"], "the rest takes no colour from the palette");
  const sorted = core.sortRows([{ model: null, value: 9 }, { model: "a", value: 1 }, { model: "b", value: 2 }], { name: "value", numeric: true, label: "", kind: "measure" }, false, "en", "model");
  assert.deepEqual(sorted.map((row) => row.model), ["b", "a", null]);
});

test("a funnel says how much is left of the first step and of the one before", () => {
  const model = core.breakdownModel(by("funnel"), groups([200, 100, 25]), context());
  assert.deepEqual(core.funnelSteps(model), [{ ofFirst: 1, ofPrevious: null }, { ofFirst: 0.5, ofPrevious: 0.5 }, { ofFirst: 0.125, ofPrevious: 0.25 }]);
  assert.deepEqual(core.funnelSteps(core.breakdownModel(by("funnel"), groups([0, 4]), context())).map((step) => step.ofFirst), [null, null]);
});

test("hours by weekdays: from Monday, in the words of the locale, picked by both", () => {
  const one = widget({ kind: "heatmap", chart: "heatmap" });
  const view = core.chartView(one, heat((weekday, hour) => weekday * 100 + hour), context());
  assert.deepEqual(view.option.yAxis.data, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
  assert.equal(view.tooltip(24 + 13).title, "Tuesday, 13:00–14:00");
  assert.equal(view.tooltip(24 + 13).rows[0].value, "213");
  assert.deepEqual(view.hit("s:", 24 + 13), { dimension: "weekday", value: "2", secondDimension: "hour", secondValue: "13" });
  assert.deepEqual(view.cellHit(13, 2), view.hit("s:", 24 + 13));
  assert.match(view.summary, /Highest 723 on Sunday, 23:00–24:00, lowest 100 on Monday, 00:00–01:00/);
  assert.deepEqual(core.chartView(one, heat(() => 1), context({ locale: "de" })).option.yAxis.data[0], "Mo");
  assert.ok(core.isEmpty(one, heat(() => 0)) && core.isEmpty(one, heat(() => null)) && !core.isEmpty(one, heat((weekday) => (weekday === 3 ? 1 : 0))));
});

test("a gauge: ends, target and the colours of its thresholds", () => {
  const model = (number, options, more = {}) => core.gaugeModel(widget({ kind: "kpi", chart: "gauge", options, ...more }), value(number), context());
  assert.deepEqual([model(42, {}).min, model(42, {}).max], [0, 50]);
  assert.deepEqual([model(42, {}, { format: { style: "percent" } }).max, model(0.4, {}, { format: { style: "percent", unit: "ratio" } }).max], [100, 1]);
  assert.deepEqual([model(5, { min: -10, max: 10 }).min, model(5, { min: 10, max: 10 }).max], [-10, 11]);
  const latency = { title: "Latency", query: { metric: "p95", numeric_prop: "latency_ms" } };
  const bands = model(250, { max: 1000, thresholds: [{ value: 700 }, { value: 300 }] }, latency).bands;
  assert.deepEqual(bands.map((band) => band.from), [0, 300, 700]);
  assert.equal(new Set(bands.map((band) => band.color)).size, 3);
  const rising = model(250, { max: 1000, thresholds: [{ value: 300 }, { value: 700 }] }).bands;
  assert.deepEqual(rising.map((band) => band.color), [...bands].reverse().map((band) => band.color), "what is good at the bottom of one is bad at the bottom of the other");
  assert.match(core.chartView(widget({ kind: "kpi", chart: "gauge", options: { max: 100, target: 80 } }), value(42), context()).summary, /42 on a scale from 0 to 100, target 80/);
});

test("a pivot: rows and columns in the order of their totals, sorted by any of them, absent pairs last", () => {
  const result = {
    columns: [column("model", "dimension", "string"), column("region", "dimension", "string"), column("value", "measure")],
    rows: [{ model: "a", region: "eu", value: 5 }, { model: "b", region: "eu", value: 9 }, { model: "a", region: "us", value: 7 }, { model: "", region: "us", value: 1 }],
    totals: { rows: [{ model: "a", value: 12 }, { model: "b", value: 9 }, { model: "", value: 1 }], columns: [{ region: "eu", value: 14 }, { region: "us", value: 8 }], value: 22 },
    previous: null, meta: meta({ granularity: null }),
  };
  const pivot = widget({ kind: "table", chart: "pivot", query: { metric: "count", group_by: "model", group_by_2: "region" } });
  const model = core.pivotModel(pivot, result);
  assert.deepEqual(model.rows.map((row) => [row.label, ...row.cells, row.total]), [["a", 5, 7, 12], ["b", 9, null, 9], ["(none)", null, 1, 1]]);
  assert.deepEqual([model.total, model.peak, model.columns.map((one) => one.total)], [22, 9, [14, 8]]);
  const order = (sort, ascending) => core.sortPivot(model, sort, ascending, "en").map((row) => row.key);
  assert.deepEqual(order({ by: "column", key: "us" }, true), ["", "a", "b"]);
  assert.deepEqual(order({ by: "column", key: "us" }, false), ["a", "", "b"]);
  assert.deepEqual(order({ by: "name" }, true), ["", "a", "b"]);
  const { totals: _totals, ...bare } = result;
  assert.deepEqual([core.pivotModel(pivot, bare).hasTotals, core.pivotModel(pivot, bare).rows.map((row) => row.key)], [false, ["a", "b", ""]]);
  assert.equal(core.faceOf(pivot), "pivot");
});

test("texts on tiles reach 4.5:1 in black or white, whatever the palette", () => {
  for (const palette of [undefined, ["#ff0000", "#00ff00", "#0000ff", "#777777", "#f5c518", "#1a1a8f"]]) {
    for (const mode of ["light", "dark"]) {
      const theme = core.resolveTheme({ mode, ...(palette && { palette }) }, false);
      const view = core.chartView(by("treemap"), groups([9, 8, 7, 6, 5, 4, 3], { other: true }), context({ theme }));
      for (const tile of view.option.series[0].data) {
        assert.ok(core.contrast(tile.itemStyle.color, tile.label.color) >= 4.5, `${tile.itemStyle.color} ${tile.label.color}`);
      }
    }
  }
});

test("hostile names are text in every shape", () => {
  const hostile = `<img src=x onerror="alert(1)">{a|b}</text>`;
  for (const chart of ["bar", "horizontal_bar", "donut", "funnel", "treemap", "radar", "scatter"]) {
    const view = core.chartView(by(chart), groups([5, 4, 3], { names: [hostile, "b", "c"], second: [1, 2, 3] }), context({ width: 2000 }));
    const svg = draw(view, 2000);
    assert.ok(!/<img|<script/i.test(svg), chart);
    assert.equal(view.table.rows[0][0], hostile);
  }
});

test("all 21 charts of the contract have a face, and a text asks nothing", () => {
  const all = { kpi: ["stat", "progress", "gauge"], timeseries: ["area", "line", "bar", "stacked_bar", "dual_axis", "waterfall"],
    breakdown: ["bar", "list", "horizontal_bar", "donut", "funnel", "treemap", "radar", "scatter"], table: ["table", "pivot"], heatmap: ["heatmap"], text: ["text"] };
  const faces = Object.entries(all).flatMap(([kind, charts]) => charts.map((chart) => core.faceOf(widget({ kind, chart }))));
  assert.equal(faces.length, 21);
  assert.ok(!faces.includes("unknown"));
  assert.ok(!core.showsData(widget({ kind: "text", chart: "text" })));
});
