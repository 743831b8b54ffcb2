// What viewers make of a dashboard: where its cards stand, and the widgets that they add.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const core = await load("core");
const box = (x, y, w, h) => ({ x, y, w, h });
const start = { a: box(0, 0, 6, 2), b: box(6, 0, 6, 2), c: box(0, 2, 12, 4), d: box(0, 6, 4, 4) };

function overlaps(positions) {
  const boxes = Object.values(positions);
  return boxes.some((one, index) => boxes.slice(index + 1).some((other) => one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h));
}

test("a card that is moved gets its place, and the others make way downwards and close up again", () => {
  assert.deepEqual(core.arrange(start, "a", start.a), start, "nothing moves by itself");
  const down = core.arrange(start, "a", box(0, 3, 6, 2));
  assert.deepEqual(down, { b: box(6, 0, 6, 2), c: box(0, 2, 12, 4), a: box(0, 6, 6, 2), d: box(0, 8, 4, 4) });
  const up = core.arrange(start, "c", box(0, 0, 12, 4));
  assert.deepEqual(up, { c: box(0, 0, 12, 4), a: box(0, 4, 6, 2), b: box(6, 4, 6, 2), d: box(0, 6, 4, 4) });
});

test("a card that grows pushes what is below it, and one that shrinks lets it up", () => {
  assert.equal(core.arrange(start, "a", box(0, 0, 6, 5)).c.y, 5);
  assert.equal(core.arrange(start, "c", box(0, 2, 12, 1)).d.y, 3);
});

test("cards stay on the grid, at least one cell large", () => {
  for (const [wanted, expected] of [
    [box(-5, -3, 6, 2), box(0, 0, 6, 2)], [box(11, 0, 6, 2), box(6, 0, 6, 2)], [box(0, 0, 40, 90), box(0, 0, 12, 50)], [box(3, 0, 0, -1), box(3, 0, 1, 1)],
    [box(1.6, 0.2, 3.5, 1.4), box(2, 0, 4, 1)],
  ]) assert.deepEqual(core.fit(wanted), expected);
});

test("whatever is moved wherever, nothing overlaps, and every card keeps its size", () => {
  let positions = start;
  let seed = 7;
  const random = (below) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let turn = 0; turn < 500; turn += 1) {
    const ids = Object.keys(start);
    const id = ids[random(ids.length)];
    const wanted = box(random(12), random(14), 1 + random(12), 1 + random(5));
    const before = positions;
    positions = core.arrange(positions, id, wanted);
    assert.ok(!overlaps(positions), JSON.stringify([id, wanted, before]));
    assert.equal(Math.min(...Object.values(positions).map(({ y }) => y)), 0);
    for (const other of ids) if (other !== id) assert.deepEqual([positions[other].w, positions[other].h, positions[other].x], [before[other].w, before[other].h, before[other].x]);
    assert.deepEqual(core.compact(positions), positions, "what is arranged stays");
  }
});

test("viewers' places keep their gaps; those of authors are closed", () => {
  const widgets = [["a", box(0, 0, 4, 2)], ["b", box(8, 0, 4, 2)]].map(([id, position]) => ({ id, title: id, kind: "kpi", chart: "stat", position }));
  assert.deepEqual(core.layout(widgets, "wide", true).map(({ column, columns }) => [column, columns]), [[1, 4], [9, 4]]);
  assert.deepEqual(core.layout(widgets, "wide").map(({ columns }) => columns), [6, 6]);
});

const vocabulary = { events: ["api.call", "user.signup"], allEvents: false, dimensions: ["model"], measures: ["latency_ms"], uniques: ["user_id"], maxWidgets: 20 };
const choice = { title: "", event: "api.call", metric: "count", property: "", group: "", chart: "stat" };

test("a choice that does not go together is put right", () => {
  const valid = (changes) => core.validChoice({ ...choice, ...changes }, vocabulary);
  assert.equal(valid({ event: "" }).event, "api.call", "events of every name are not open");
  assert.equal(valid({ metric: "p95" }).property, "latency_ms");
  assert.equal(valid({ metric: "count_unique", property: "latency_ms" }).property, "user_id");
  assert.equal(valid({ group: "model" }).chart, "line", "a single number knows no groups");
  assert.equal(valid({ group: "country" }).group, "");
  assert.deepEqual(core.ownMetrics({ ...vocabulary, measures: [], uniques: [] }), ["count"]);
});

test("a choice becomes a widget that says only what it needs", () => {
  const own = (changes) => core.ownWidget(core.validChoice({ ...choice, ...changes }, vocabulary));
  assert.deepEqual(own({}), { title: "API call", kind: "kpi", chart: "stat", query: { event_name: "api.call", metric: "count", compare: "previous_period" }, size: { w: 3, h: 2 } });
  assert.deepEqual(own({ metric: "p95", group: "model", chart: "bar", title: "  Slow ones " }), {
    title: "Slow ones", kind: "breakdown", chart: "bar", query: { event_name: "api.call", metric: "p95", numeric_prop: "latency_ms", group_by: "model" }, size: { w: 6, h: 4 },
  });
  assert.deepEqual(own({ metric: "count_unique", chart: "line" }).query, { event_name: "api.call", metric: "count_unique", unique_prop: "user_id" });
});

test("every chart that can be chosen has a sample that can be drawn", () => {
  for (const group of ["", "model"]) {
    for (const chart of core.ownCharts(group)) {
      const draft = core.ownWidget(core.validChoice({ ...choice, group, chart }, vocabulary));
      const widget = { id: "w", position: box(0, 0, 6, 4), ...draft };
      assert.ok(!core.isEmpty(widget, core.sampleResult(draft)), chart);
      assert.notEqual(core.faceOf(widget), "unknown", chart);
    }
  }
});
