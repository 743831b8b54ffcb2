import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const core = await load("core");
const config = (changes = {}) => ({
  id: "dash_1", name: "Usage", layout: {}, widgets: [], session: {}, permissions: {},
  filters: [{ id: "p", type: "period", default: "30d", options: ["24h", "7d", "30d"] }, { id: "m", type: "multi_select", dimension: "model" }],
  ...changes,
});

test("a period ends a custom range, and the wire state leaves out what is empty", () => {
  const range = { from: "2026-11-01T00:00:00Z", to: "2026-11-03T00:00:00Z" };
  const dated = core.reduce({ ...core.emptyState, period: "30d" }, { type: "dates", range });
  assert.deepEqual(core.toWire(dated), { period: "30d", dateRanges: range });
  const again = core.reduce(dated, { type: "period", period: "7d" });
  assert.deepEqual(core.toWire(again), { period: "7d" });
});

test("toggling adds and removes; a single filter holds one value", () => {
  const toggle = (state, value, multiple) => core.reduce(state, { type: "toggle", dimension: "model", value, multiple });
  const two = toggle(toggle(core.emptyState, "a", true), "b", true);
  assert.deepEqual(two.dimensions, { model: ["a", "b"] });
  assert.deepEqual(toggle(two, "a", true).dimensions, { model: ["b"] });
  assert.deepEqual(toggle(toggle(core.emptyState, "a", false), "b", false).dimensions, { model: ["b"] });
  assert.deepEqual(toggle(toggle(core.emptyState, "a", false), "a", false).dimensions, {});
});

test("reduce leaves the state it was given untouched", () => {
  const state = Object.freeze({ ...core.emptyState, dimensions: Object.freeze({ model: Object.freeze(["a"]) }) });
  core.reduce(state, { type: "toggle", dimension: "model", value: "b", multiple: true });
  core.reduce(state, { type: "merge", filters: { dimensions: null } });
  assert.deepEqual(state.dimensions, { model: ["a"] });
});

test("filters of the host replace the parts they name, take single strings and empty with null", () => {
  const start = { period: "30d", dimensions: { model: ["a"] }, numericRanges: { latency_ms: { min: 1 } }, dateRanges: null };
  const merged = core.reduce(start, { type: "merge", filters: { period: "7d", dimensions: { region: "eu" } } });
  assert.deepEqual(merged, { ...start, period: "7d", dimensions: { region: ["eu"] } });
  assert.deepEqual(core.reduce(start, { type: "merge", filters: { numericRanges: null } }).numericRanges, {});
});

test("an empty numeric range is no filter", () => {
  const set = core.reduce(core.emptyState, { type: "numeric", property: "latency_ms", range: { max: 500 } });
  assert.deepEqual(set.numericRanges, { latency_ms: { max: 500 } });
  assert.deepEqual(core.reduce(set, { type: "numeric", property: "latency_ms", range: {} }).numericRanges, {});
});

test("the initial period is the default if the session allows it, else the first that it allows", () => {
  assert.equal(core.initialState(config()).period, "30d");
  assert.equal(core.initialState(config({ permissions: { allowed_periods: ["7d"] } })).period, "7d");
  assert.deepEqual(core.periodOptions(config({ permissions: { allowed_periods: ["24h", "7d", "90d"] } })), ["24h", "7d"]);
  assert.equal(core.initialState(config({ filters: [] })).period, null);
});

test("what dashboard and session permit of a host's filters is kept, and each other part is named", () => {
  const widgets = [{ id: "w", kind: "breakdown", chart: "bar", query: { metric: "sum", numeric_prop: "cost", group_by: "endpoint" } }, { id: "t", kind: "text", chart: "text" }];
  const filters = [...config().filters, { id: "l", type: "numeric_range", property: "latency_ms" }];
  const split = (wanted, permissions = {}) => {
    const { filters: kept, refused } = core.applicable(wanted, config({ filters, widgets, permissions }));
    return [kept, refused.map(({ code, message }) => `${code} ${/"(.*)"/.exec(message)[1]}`)];
  };
  const wanted = { period: "7d", dimensions: { model: "a", endpoint: ["/x"], region: "eu" }, numericRanges: { latency_ms: { max: 5 }, cost: { min: 2 }, tokens: { min: 1 } } };
  assert.deepEqual(split(wanted), [
    { period: "7d", dimensions: { model: "a", endpoint: ["/x"] }, numericRanges: { latency_ms: { max: 5 }, cost: { min: 2 } } },
    ["dimension_not_allowed region", "dimension_not_allowed tokens"],
  ]);
  assert.deepEqual(split({ period: "90d", dimensions: { model: "a", endpoint: "/x", region: "eu" } }, { allowed_periods: ["7d"], allowed_dimensions: ["region", "model"], locked_dimensions: ["model"] }), [
    { dimensions: { region: "eu" } }, ["period_not_allowed 90d", "filter_locked model", "dimension_not_allowed endpoint"],
  ]);
  assert.deepEqual(split({ period: "5d" }), [{}, ["period_not_allowed 5d"]]);
  const nothing = { period: null, dimensions: { region: [] }, numericRanges: { tokens: {} }, dateRanges: null };
  assert.deepEqual(split(nothing), [nothing, []]);
  assert.deepEqual(split({ dimensions: null, numericRanges: null }), [{ dimensions: null, numericRanges: null }, []]);
});

test("states compare by content, whatever the order of their keys", () => {
  const a = { ...core.emptyState, dimensions: { x: ["1"], y: ["2"] } };
  const b = { ...core.emptyState, dimensions: { y: ["2"], x: ["1"] } };
  assert.ok(core.sameState(a, b));
  assert.ok(!core.sameState(a, { ...b, period: "7d" }));
});

test("filters of a wrong shape are refused by field name", () => {
  const refuse = (value, field) => assert.throws(() => core.readFilters(value), (error) => error instanceof TypeError && error.message.includes(field));
  refuse({ dimension: {} }, "filters.dimension");
  refuse({ dimensions: { model: [1] } }, "filters.dimensions.model");
  refuse({ numericRanges: { latency: { min: "1" } } }, "filters.numericRanges.latency.min");
  refuse({ dateRanges: { from: "yesterday", to: "2026-01-01" } }, "filters.dateRanges.from");
  refuse([], "filters");
  assert.deepEqual(core.readFilters({ period: "7d", dimensions: { model: "a" } }), { period: "7d", dimensions: { model: "a" } });
});
