import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { load, meta, widget } from "./bundle.mjs";

const core = await load("core");
const filters = [{ id: "p", type: "period", default: "30d" }, { id: "m", type: "multi_select", dimension: "model" }, { id: "e", type: "select", dimension: "endpoint" }];
const list = (id, group_by, changes = {}) => widget({ id, kind: "breakdown", chart: "list", query: { metric: "count", group_by }, ...changes });
const config = (changes = {}) => ({
  id: "dash_1", name: "Usage", layout: {}, filters, permissions: {}, session: { tenant_id: "acme" },
  widgets: [list("models", "model"), list("endpoints", "endpoint"), list("statuses", "status", { options: { on_click: "filter" } }), widget({ id: "calls", kind: "kpi", chart: "stat" })],
  drill: { dimensions: ["model", "endpoint", "status"], rows: true }, ...changes,
});
const range = { from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z" };

test("a click filters where there is a filter, drills elsewhere, and does what the author says", () => {
  const effect = (picked, options, changes) => core.clickEffect(list("w", "model", options && { options }), picked, config(changes));
  const [model, status] = [{ dimension: "model", value: "gpt-4" }, { dimension: "status", value: "error" }];
  const cell = { ...model, secondDimension: "status", secondValue: "error" };
  assert.equal(effect(model), "filter");
  assert.equal(effect(status), "drill");
  assert.equal(effect({ range }), "drill");
  assert.equal(effect(cell), "drill", "both dimensions need a filter");
  assert.equal(effect({ ...model, secondDimension: "endpoint", secondValue: "/x" }), "filter");
  assert.equal(effect(model, { on_click: "drill" }), "drill");
  assert.equal(effect(status, { on_click: "filter" }), "filter");
  assert.equal(effect(cell, { on_click: "filter" }), "filter");
  assert.equal(effect(model, { on_click: "none" }), "tell");
  assert.equal(effect({ dimension: "weekday", value: "1" }), null);
  assert.equal(effect({ dimension: "model", value: "\u0000other" }), null, "all other groups are no value");
  const dates = { filters: [...filters, { id: "d", type: "date_range" }] };
  assert.equal(effect({ range }, { on_click: "filter" }), "tell");
  assert.equal(effect({ range }, { on_click: "filter" }, dates), "filter");
});

test("without drilling a click filters or does nothing at all", () => {
  const permissions = { allow_drill_down: false };
  const effect = (picked, options, changes) => core.clickEffect(list("w", "model", options && { options }), picked, config({ permissions, drill: { dimensions: [], rows: false }, ...changes }));
  assert.equal(effect({ dimension: "model", value: "a" }), "filter");
  for (const options of [undefined, { on_click: "drill" }, { on_click: "none" }]) assert.equal(effect({ dimension: "status", value: "a" }, options), null);
  assert.equal(effect({ range }), null);
  assert.equal(effect({ dimension: "status", value: "a" }, { on_click: "filter" }), "filter");
});

test("locked and forbidden dimensions are neither filtered by nor offered", () => {
  const permissions = { locked_dimensions: ["model"], allowed_dimensions: ["endpoint", "model"] };
  const bound = config({ permissions, drill: { dimensions: ["endpoint", "model"], rows: true } });
  assert.equal(core.mayFilter(bound, "model"), false);
  assert.equal(core.mayFilter(bound, "endpoint"), true);
  assert.equal(core.mayFilter(bound, "status"), false);
  assert.deepEqual(core.nextDimensions(bound, []), ["endpoint"]);
  assert.deepEqual(core.nextDimensions(bound, [{ dimension: "endpoint", value: "/x" }]), []);
  assert.equal(core.clickEffect(list("w", "status"), { dimension: "status", value: "a" }, bound), null);
  // A server that does not say what may be opened takes no ranges.
  const { drill: _drill, ...older } = config();
  assert.deepEqual(core.drillOptions(older), { dimensions: ["model", "endpoint", "status"], rows: true });
  assert.equal(core.canDrill(older, [], range), false);
  assert.equal(core.canDrill(older, [{ dimension: "status", value: "a" }]), true);
});

test("two values of one mark go on and off together", () => {
  const values = [{ dimension: "model", value: "a" }, { dimension: "status", value: "ok" }];
  const pick = (state) => core.reduce(state, { type: "pick", values, multiple: ["model"] });
  const started = { ...core.emptyState, dimensions: { model: ["a", "b"], status: ["error"] } };
  const on = pick(started);
  assert.deepEqual(on.dimensions, { model: ["b", "a"], status: ["ok"] });
  assert.ok(core.isPicked(on, values));
  assert.deepEqual(pick(on).dimensions, { model: ["b"] });
});

test("a bucket ends where the next begins, the last one with the range", () => {
  const times = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"];
  const result = {
    columns: [{ name: "time", type: "datetime", role: "time" }, { name: "model", type: "string", role: "dimension" }, { name: "value", type: "number", role: "measure" }],
    rows: times.flatMap((time) => ["a", "b"].map((model) => ({ time, model, value: 1 }))), meta: meta({ to: "2026-11-03T14:30:00Z" }),
  };
  assert.deepEqual(core.bucketRange(result, times[0]), { from: times[0], to: times[1] });
  assert.deepEqual(core.bucketRange(result, times[2]), { from: times[2], to: "2026-11-03T14:30:00Z" });
});

const answer = (rows, changes = {}) => ({ columns: [{ name: "key", type: "string", role: "dimension" }, { name: "value", type: "number", role: "measure" }], rows, previous: null, meta: meta(changes) });

/** A real server that speaks the viewer's API, and what it was asked. */
async function serve(t, dashboard, drill = () => answer([{ key: "a", value: 1 }])) {
  const asked = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      const body = text === "" ? null : JSON.parse(text);
      const path = request.url.split("?")[0].replace("/v1/embed/", "");
      if (path === "view") {
        // As a server that does not know this yet.
        response.writeHead(404, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ code: "not_found", error: "No such route." }));
        return;
      }
      asked.push({ path, body, url: request.url, authorization: request.headers.authorization });
      if (path === "export") {
        response.writeHead(200, { "Content-Type": "text/csv" });
        response.end("key,value\r\na,1\r\n");
        return;
      }
      const [status, json] =
        path === "dashboard" ? [200, dashboard]
        : path === "drill" ? [].concat(drill(body)).length === 2 ? drill(body) : [200, drill(body)]
        : [200, { results: Object.fromEntries(body.widgets.map((id) => [id, answer([{ key: "a", value: 1 }])])) }];
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(json));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const events = [];
  const controller = new core.DashboardController({ host: `http://127.0.0.1:${server.address().port}` }, (event) => events.push(event));
  controller.setToken("secret.token");
  const quiet = async () => {
    for (let calm = 0; calm < 4; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      calm = controller.phase === "ready" && [...controller.widgets.values()].every((one) => one.status !== "loading") ? calm + 1 : 0;
    }
  };
  await quiet();
  asked.length = 0;
  t.after(() => {
    controller.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { controller, asked, events, quiet };
}

test("a click filters the other widgets in one request, and the clicked one keeps all its values", async (t) => {
  const { controller, asked, quiet } = await serve(t, config());
  controller.crossFilter("statuses", { dimension: "status", value: "error" });
  await quiet();
  assert.deepEqual(asked.map(({ path, body }) => [path, body.widgets, body.state.dimensions]), [["query", ["models", "endpoints", "calls"], { status: ["error"] }]]);
  asked.length = 0;
  // Whatever else changes, the clicked widget alone goes without its own filter.
  controller.dispatch({ type: "period", period: "7d" });
  await quiet();
  const sent = Object.fromEntries(asked.map(({ body }) => [body.widgets.join(), body.state]));
  assert.deepEqual(sent, { "models,endpoints,calls": { period: "7d", dimensions: { status: ["error"] } }, statuses: { period: "7d" } });
  asked.length = 0;
  controller.crossFilter("statuses", { dimension: "status", value: "error" });
  await quiet();
  assert.deepEqual(asked.map(({ body }) => [body.widgets, body.state]), [[["models", "endpoints", "calls"], { period: "7d" }]]);
  assert.deepEqual(controller.state.dimensions, {});
  asked.length = 0;
  // A filter set at its control filters all.
  controller.dispatch({ type: "dimension", dimension: "model", values: ["a"] });
  await quiet();
  assert.deepEqual(asked.map(({ body }) => body.widgets), [["models", "endpoints", "statuses", "calls"]]);
});

test("values of a filter for several add up, those of other dimensions replace each other; a bucket becomes the dates", async (t) => {
  const { controller, quiet, events } = await serve(t, config());
  for (const value of ["a", "b"]) controller.crossFilter("models", { dimension: "model", value });
  for (const value of ["a", "b"]) controller.crossFilter("statuses", { dimension: "status", value });
  assert.deepEqual(controller.state.dimensions, { model: ["a", "b"], status: ["b"] });
  assert.equal(events.filter((event) => event.type === "filter").length, 4);
  controller.crossFilter("calls", { range });
  assert.deepEqual(controller.state.dateRanges, range);
  controller.crossFilter("calls", { range });
  assert.equal(controller.state.dateRanges, null);
  await quiet();
});

test("a filter that the host sets filters all widgets, also the one that was clicked before", async (t) => {
  const { controller, asked, quiet } = await serve(t, config());
  controller.crossFilter("statuses", { dimension: "status", value: "error" });
  await quiet();
  controller.setFilters({ dimensions: null });
  await quiet();
  asked.length = 0;
  controller.setFilters({ dimensions: { status: "error" } });
  await quiet();
  assert.deepEqual(asked.map(({ body }) => body.widgets), [["models", "endpoints", "statuses", "calls"]], "a filter of the host filters all");
});

test("an export asks with the token in a header and the state in which the widget is shown", async (t) => {
  const { controller, asked, quiet } = await serve(t, config());
  controller.crossFilter("statuses", { dimension: "status", value: "error" });
  await quiet();
  asked.length = 0;
  const file = await controller.exportFile("models", "csv");
  assert.equal(await file.text(), "key,value\r\na,1\r\n");
  await controller.exportFile("statuses", "csv");
  const states = asked.map(({ url }) => JSON.parse(new URL(url, "http://x").searchParams.get("state")));
  assert.deepEqual(states, [{ dimensions: { status: ["error"] } }, {}].map((state) => ({ ...(controller.state.period && { period: controller.state.period }), ...state })));
  for (const { url, authorization } of asked) {
    assert.equal(authorization, "Bearer secret.token");
    assert.ok(!url.includes("secret"));
  }
});

async function drilled(t, picked, dashboard = config(), drill) {
  const served = await serve(t, dashboard, drill);
  const states = [];
  const session = new core.DrillSession(served.controller, dashboard, dashboard.widgets[0], picked, (state) => states.push(state));
  const settled = async () => {
    while (session.state.status === "loading") await new Promise((resolve) => setTimeout(resolve, 5));
    return session.state;
  };
  session.reload();
  await settled();
  return { ...served, session, states, settled, bodies: () => served.asked.splice(0).filter(({ path }) => path === "drill").map(({ body: { state: _state, ...body } }) => body) };
}

test("a drill opens level after level and finds its way back without asking again", async (t) => {
  const { session, settled, bodies } = await drilled(t, { dimension: "model", value: "gpt-4" });
  assert.deepEqual(session.state.choices, ["endpoint", "status"]);
  session.choose("status");
  await settled();
  session.open("error");
  await settled();
  assert.deepEqual(session.state.levels, [{ dimension: "model", value: "gpt-4" }, { dimension: "status", value: "error" }]);
  assert.deepEqual(session.state.choices, ["endpoint"]);
  session.show("rows");
  await settled();
  session.back(1);
  await settled();
  session.show("groups");
  await settled();
  session.choose("status");
  await settled();
  assert.deepEqual(bodies(), [
    { widget: "models", dimension: "model", value: "gpt-4", next_dimension: "endpoint" },
    { widget: "models", dimension: "model", value: "gpt-4", next_dimension: "status" },
    { widget: "models", dimension: "model", value: "gpt-4", filters: [{ dimension: "status", value: "error" }], next_dimension: "endpoint" },
    { widget: "models", dimension: "model", value: "gpt-4", filters: [{ dimension: "status", value: "error" }] },
    { widget: "models", dimension: "model", value: "gpt-4" },
  ]);
  assert.ok(!session.canGoBack(0), "without a range there is nothing before the first value");
});

test("the last level shows events only; more of them are asked for in one step", async (t) => {
  const few = config({ drill: { dimensions: ["model"], rows: true } });
  const { session, settled, bodies } = await drilled(t, { dimension: "model", value: "a" }, few, (body) => answer([{ key: "x", value: 1 }], { truncated: true }));
  assert.deepEqual([session.state.tabs, session.state.tab, session.state.hasMore], [["rows"], "rows", true]);
  session.more();
  assert.equal(session.state.result.rows.length, 1, "what stands there stays meanwhile");
  await settled();
  assert.equal(session.state.hasMore, false);
  assert.deepEqual(bodies().map((body) => body.limit), [undefined, 1000]);
});

test("a bucket is a range, from which a value can be opened and left again", async (t) => {
  const { session, settled, bodies } = await drilled(t, { range });
  session.open("a");
  await settled();
  assert.ok(session.canGoBack(0));
  session.back(0);
  await settled();
  assert.deepEqual(bodies(), [{ widget: "models", range, next_dimension: "model" }, { widget: "models", dimension: "model", value: "a", range, next_dimension: "endpoint" }]);
});

test("a refusal is shown and can be tried again; a session that ended is the dashboard's matter", async (t) => {
  let reply = [403, { code: "drill_not_allowed", message: "No." }];
  const { session, settled, controller } = await drilled(t, { dimension: "model", value: "a" }, config(), () => reply);
  assert.deepEqual([session.state.status, session.state.error.code], ["error", "drill_not_allowed"]);
  assert.equal(controller.phase, "ready");
  reply = answer([]);
  session.reload();
  await settled();
  assert.deepEqual([session.state.status, session.state.result.rows], ["ok", []]);
  reply = [401, { code: "session_revoked", message: "Over." }];
  session.reload();
  await settled();
  assert.deepEqual([controller.phase, controller.error.code], ["failed", "session_revoked"]);
});

test("a cell of a heatmap is one hour in a week or less, in its own zone", () => {
  const cell = (weekday, hour) => ({ dimension: "weekday", value: String(weekday), secondDimension: "hour", secondValue: String(hour) });
  const shown = (from, to) => ({ columns: [], rows: [], meta: meta({ from, to }) });
  const days = shown("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z");
  assert.deepEqual(core.exactPick(cell(1, 14), days, "UTC"), { range: { from: "2026-11-16T14:00:00Z", to: "2026-11-16T15:00:00Z" } });
  assert.deepEqual(core.exactPick(cell(1, 14), shown("2026-11-13T18:30:00Z", "2026-11-20T18:30:00Z"), "Asia/Kolkata"), {
    range: { from: "2026-11-16T08:30:00Z", to: "2026-11-16T09:30:00Z" },
  });
  // The week in which New York sets its clocks back.
  assert.deepEqual(core.exactPick(cell(7, 23), shown("2026-10-30T04:00:00Z", "2026-11-06T05:00:00Z"), "America/New_York"), {
    range: { from: "2026-11-02T04:00:00Z", to: "2026-11-02T05:00:00Z" },
  });
  const month = shown("2026-10-21T00:00:00Z", "2026-11-21T00:00:00Z");
  assert.deepEqual(core.exactPick(cell(1, 14), month, "UTC"), cell(1, 14));
  const value = { dimension: "model", value: "a" };
  assert.equal(core.exactPick(value, days, "UTC"), value);
});
