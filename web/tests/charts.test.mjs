import assert from "node:assert/strict";
import { test } from "node:test";
import { chartContext, load, loadECharts, meta, widget } from "./bundle.mjs";

const core = await load("core");
const echarts = loadECharts();
const hostile = `<img src=x onerror="alert(1)"></text><script>alert(2)</script>{a|b}\u202e`;

const day = (index) => `2026-11-0${index + 1}T00:00:00Z`;
const column = (name, role, type = "number") => ({ name, role, type });
const series = (values, extra = {}) => ({
  columns: [column("time", "time", "datetime"), column("value", "measure")],
  rows: values.map((value, index) => ({ time: day(index), value })),
  previous: null,
  meta: meta(),
  ...extra,
});
const grouped = (keys) => ({
  columns: [column("time", "time", "datetime"), column("model", "dimension", "string"), column("value", "measure")],
  rows: keys.flatMap((key, position) => [0, 1, 2].map((index) => ({ time: day(index), model: key, value: (position + 1) * 10 + index }))),
  previous: null,
  meta: meta(),
});
const breakdown = (keys) => ({
  columns: [column("model", "dimension", "string"), column("value", "measure"), column("share", "share")],
  rows: keys.map((key, index) => ({ model: key, value: 100 - index * 10, share: (100 - index * 10) / 300 })),
  previous: null,
  meta: meta({ granularity: null }),
});

function draw(view) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 600, height: 300 });
  chart.setOption(view.option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

test("series are ordered by size, aligned on all buckets, and absent values stay gaps", () => {
  const result = grouped(["small", "large"]);
  result.rows.splice(1, 1);
  const model = core.seriesModel(widget({ query: { metric: "avg", group_by: "model" } }), result);
  assert.deepEqual(model.series.map((one) => one.key), ["large", "small"]);
  assert.deepEqual(model.times, [day(0), day(1), day(2)]);
  assert.deepEqual(model.series[1].values, [10, null, 12]);
});

test("the running bucket hangs on a dashed line of its own", () => {
  const view = core.chartView(widget(), series([1, 2, 3], { meta: meta({ to: "2026-11-03T09:00:00Z" }) }), chartContext(core));
  const [whole, running] = view.option.series;
  assert.deepEqual(whole.data, [1, 2, null]);
  assert.deepEqual(running.data, [null, 2, 3]);
  assert.notEqual(running.lineStyle.type, undefined);
  assert.match(view.tooltip(2).title, /so far/);
  const complete = core.chartView(widget(), series([1, 2, 3]), chartContext(core));
  assert.equal(complete.option.series.length, 1);
  // The range may reach to the end of today: then the state of the data tells how far the bucket has come.
  const today = core.chartView(widget(), series([1, 2, 3], { meta: meta({ data_as_of: "2026-11-03T15:00:00Z" }) }), chartContext(core));
  assert.equal(today.option.series.length, 2);
});

test("the previous period is a dashed line, named in legend, tooltip and table", () => {
  const previous = { from: "2026-10-29T00:00:00Z", to: "2026-11-01T00:00:00Z", rows: [5, 6, 7].map((value, index) => ({ time: `2026-10-${29 + index}T00:00:00Z`, value })) };
  const view = core.chartView(widget({ query: { metric: "count", compare: "previous_period" } }), series([1, 2, 3], { previous }), chartContext(core));
  assert.deepEqual(view.option.series[0].data, [5, 6, 7]);
  assert.deepEqual(view.legend.map((item) => [item.name, item.dashed]), [["This period", false], ["Previous period", true]]);
  assert.deepEqual(view.tooltip(0).rows.map((row) => row.value), ["1", "5"]);
  assert.match(view.tooltip(0).rows[1].name, /Oct 29/);
  assert.equal(view.table.columns.length, 3);
});

test("stacked bars of groups sum up in the tooltip; a hidden series is not drawn", () => {
  const one = widget({ chart: "bar", query: { metric: "count", group_by: "model" } });
  const view = core.chartView(one, grouped(["a", "b"]), chartContext(core));
  assert.deepEqual(view.tooltip(0).rows.map((row) => [row.name, row.value]), [["b", "20"], ["a", "10"], ["Total", "30"]]);
  const hidden = core.chartView(one, grouped(["a", "b"]), chartContext(core, { hidden: new Set(["b"]) }));
  assert.deepEqual(hidden.option.series.map((mark) => mark.name), ["a"]);
  assert.deepEqual(hidden.legend.map((item) => item.hidden), [true, false]);
});

test("a click names dimension and value; without a group it names the bucket", () => {
  const view = core.chartView(widget({ query: { metric: "count", group_by: "model" } }), grouped(["a:b", ""]), chartContext(core));
  const second = { from: day(1), to: day(2) };
  assert.deepEqual(view.hit("s:a:b", 1), { dimension: "model", value: "a:b", range: second });
  assert.deepEqual(view.hit("s:", 1), { dimension: "model", value: "", range: second });
  assert.deepEqual(view.cellHit(1, 0), { range: second });
  const plain = core.chartView(widget(), series([1, 2, 3]), chartContext(core));
  assert.deepEqual(plain.hit("s:", 1), { range: second });
  // The last bucket ends with the range.
  assert.deepEqual(plain.hit("s:", 2), { range: { from: day(2), to: "2026-11-04T00:00:00Z" } });
  assert.equal(plain.hit("s:", 9), null);
});

test("axes are round, start at zero and waste little room", () => {
  assert.deepEqual(core.niceScale(0, 4820, 4, true), { min: 0, max: 5000, interval: 1000 });
  assert.deepEqual(core.niceScale(0, 1, 4, true), { min: 0, max: 1, interval: 1 });
  for (const high of [0.0031, 0.7, 3, 17, 99, 101, 4200, 987654, 1.2e9]) {
    const { min, max, interval } = core.niceScale(0, high, 4, false);
    assert.equal(min, 0);
    assert.ok(max >= high && max <= high * 1.7, `${high} → ${max}`);
    assert.ok(max / interval <= 7, `${high}: ${max / interval} steps`);
  }
  const negative = core.niceScale(-30, 100, 4, false);
  assert.ok(negative.min <= -30 && negative.max >= 100);
});

test("an axis of minutes has round minutes", () => {
  const slow = widget({ chart: "line", query: { metric: "p95", numeric_prop: "latency_ms" } });
  const axis = core.chartView(slow, series([61_000, 95_000, 20_000]), chartContext(core)).option.yAxis;
  const ticks = Array.from({ length: Math.round(axis.max / axis.interval) + 1 }, (_unused, index) => axis.axisLabel.formatter(index * axis.interval));
  assert.deepEqual(ticks, ["0", "30 s", "1 min", "1.5 min", "2 min"]);
});

test("hours are labelled on round hours, days from the first", () => {
  assert.deepEqual([...core.labelPositions(25, 6, 15)], [3, 9, 15, 21]);
  assert.deepEqual([...core.labelPositions(169, 8, 15)], [9, 33, 57, 81, 105, 129, 153]);
  assert.deepEqual([...core.labelPositions(31, 8)], [0, 4, 8, 12, 16, 20, 24, 28]);
  assert.deepEqual([...core.labelPositions(0, 8)], []);
});

test("every kind draws with the real ECharts, in light and dark, with one point, gaps and zeros", () => {
  const cases = [
    [widget({ chart: "area" }), series([3, 1, 2])],
    [widget({ chart: "line" }), series([3, null, 2])],
    [widget({ chart: "bar" }), series([0, 0, 0])],
    [widget({ chart: "area" }), series([5])],
    [widget({ chart: "stacked_bar", query: { metric: "count", group_by: "model" } }), grouped(["a", "b"])],
    [widget({ chart: "line", query: { metric: "p95", numeric_prop: "latency_ms", group_by: "model" } }), grouped(["a", "b"])],
    [widget({ kind: "breakdown", chart: "bar", query: { metric: "count", group_by: "model" } }), breakdown(["a", "b", ""])],
    [widget({ kind: "breakdown", chart: "donut", query: { metric: "count", group_by: "model" } }), breakdown(["a", "b"])],
  ];
  for (const mode of ["light", "dark"]) {
    for (const [one, result] of cases) {
      const svg = draw(core.chartView(one, result, chartContext(core, { theme: core.resolveTheme({ mode }, false) })));
      assert.match(svg, /<path/, `${one.kind}/${one.chart}`);
      assert.ok(!svg.includes("NaN"), `${one.kind}/${one.chart} ${mode}`);
    }
  }
});

test("hostile names stay text in what ECharts draws", () => {
  const bar = core.chartView(
    widget({ title: hostile, kind: "breakdown", chart: "bar", query: { metric: "count", group_by: "model" } }), breakdown([hostile, "b"]), chartContext(core, { width: 4000 }));
  const lines = core.chartView(widget({ title: hostile, chart: "line", query: { metric: "count", group_by: "model" } }), grouped([hostile, "b"]), chartContext(core));
  for (const view of [bar, lines]) {
    const svg = draw(view);
    assert.ok(!/<script|<img/i.test(svg));
    assert.ok(!/onerror="/i.test(svg.replace(/&quot;/g, "")));
  }
  // Names reach the tooltip and the legend as they are, as text to be set as text; options hold no HTML formatter.
  assert.equal(bar.tooltip(0).title, hostile);
  assert.equal(lines.legend.find((item) => item.key === hostile).name, hostile);
  assert.equal(bar.option.tooltip, undefined);
  assert.equal(lines.option.tooltip, undefined);
});

test("the summary and the table say what the picture shows", () => {
  const view = core.chartView(widget(), series([10, 30, 20]), chartContext(core));
  assert.match(view.summary, /Calls: area chart with 3 points from .*Nov 1.* to .*Nov 3.*Lowest 10, highest 30, latest 20/);
  assert.deepEqual(view.table.rows.map((row) => row[1]), ["10", "30", "20"]);
  const list = core.chartView(widget({ kind: "breakdown", chart: "bar", query: { metric: "count", group_by: "model" } }), breakdown(["a", "b"]), chartContext(core));
  assert.match(list.summary, /2 entries\. Largest: a 100 \(33%\)/);
});

test("what cannot be drawn says so", () => {
  assert.equal(core.faceOf(widget({ kind: "sankey", chart: "sankey" })), "unknown");
  assert.equal(core.faceOf(widget({ kind: "kpi", chart: "stat" })), "stat");
});
