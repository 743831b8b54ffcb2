import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { load, meta } from "./bundle.mjs";

const core = await load("core");
const result = (value) => ({ columns: [{ name: "value", type: "number", role: "measure" }], rows: [{ value }], previous: null, meta: meta() });
const config = (changes = {}) => ({
  id: "dash_1", name: "Usage", layout: {}, filters: [{ id: "p", type: "period", default: "30d", options: ["7d", "30d"] }], permissions: {},
  widgets: ["a", "b"].map((id) => ({ id, title: id, kind: "kpi", chart: "stat", position: { x: 0, y: 0, w: 3, h: 2 }, query: { metric: "count" } })),
  session: { tenant_id: "acme" }, ...changes,
});

/** A real server on a free port; `handle(request, body, response)` answers. */
async function serve(handle) {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => handle(request, body, response));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

test("NDJSON lines survive any split of their bytes", () => {
  const lines = [{ widget: "a", result: { text: "größer → 日本 🎉" } }, { widget: "b", result: { rows: [1, 2] } }];
  const bytes = new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\n") + "\r\n\n");
  for (let size = 1; size <= bytes.length; size += 1) {
    const decoder = new core.NDJSONDecoder();
    const values = [];
    for (let start = 0; start < bytes.length; start += size) values.push(...decoder.push(bytes.subarray(start, start + size)));
    values.push(...decoder.end());
    assert.deepEqual(values, lines, `chunks of ${size}`);
  }
  const unfinished = new core.NDJSONDecoder();
  unfinished.push(new TextEncoder().encode('{"a":1}\n{"b":'));
  assert.throws(() => unfinished.end(), SyntaxError);
});

test("the token travels in the Authorization header and nowhere else", async () => {
  const seen = [];
  const server = await serve((request, body, response) => {
    seen.push({ url: request.url, body, headers: request.headers });
    json(response, 200, request.url.startsWith("/v1/embed/filter-values") ? { dimension: "model", values: [] } : config());
  });
  const client = new core.EmbedClient({ host: server.host + "/", token: "secret.token" });
  await client.dashboard();
  await client.filterValues("model", { q: "a b&c", period: "7d" });
  await server.close();
  assert.equal(seen[0].headers.authorization, "Bearer secret.token");
  for (const request of seen) {
    assert.ok(!request.url.includes("secret") && !request.body.includes("secret"));
    assert.equal(request.headers.cookie, undefined);
  }
  assert.equal(seen[1].url, "/v1/embed/filter-values?dimension=model&limit=50&q=a+b%26c&period=7d");
});

test("each widget is handed over as it arrives, before the answer is complete", async () => {
  let finish;
  const server = await serve((_request, _body, response) => {
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    response.write(JSON.stringify({ widget: "a", result: result(1) }) + "\n");
    finish = () => response.end(JSON.stringify({ widget: "b", result: { error: { code: "query_timeout", message: "Too slow." } } }) + "\n");
  });
  const answers = new Map();
  let first;
  const arrived = new Promise((resolve) => (first = resolve));
  const client = new core.EmbedClient({ host: server.host, token: "t" });
  const done = client.query({}, ["a", "b"], (id, answer) => {
    answers.set(id, answer);
    first();
  });
  await arrived;
  assert.deepEqual([...answers.keys()], ["a"]);
  finish();
  await done;
  await server.close();
  assert.equal(answers.get("a").result.rows[0].value, 1);
  assert.equal(answers.get("b").error.code, "query_timeout");
});

test("a stream that breaks is asked again for what is missing, once", async () => {
  const asked = [];
  const server = await serve((_request, body, response) => {
    asked.push(JSON.parse(body).widgets);
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    response.write(JSON.stringify({ widget: asked.length === 1 ? "a" : "b", result: result(asked.length) }) + "\n", () => {
      if (asked.length === 1) setTimeout(() => response.destroy(), 20);
      else response.end();
    });
  });
  const answers = {};
  await new core.EmbedClient({ host: server.host, token: "t", retryDelay: 5 }).query({}, ["a", "b"], (id, answer) => (answers[id] = answer));
  await server.close();
  assert.deepEqual(asked, [["a", "b"], ["b"]]);
  assert.deepEqual([answers.a.result.rows[0].value, answers.b.result.rows[0].value], [1, 2]);
});

test("widgets that the server forgets settle with an error; a JSON answer works too", async () => {
  const server = await serve((_request, _body, response) => json(response, 200, { results: { a: result(1) } }));
  const answers = {};
  await new core.EmbedClient({ host: server.host, token: "t" }).query({}, ["a", "b"], (id, answer) => (answers[id] = answer));
  await server.close();
  assert.equal(answers.a.result.rows[0].value, 1);
  assert.equal(answers.b.error.code, "incomplete");
});

test("error bodies become typed errors; unreadable ones keep their status", async () => {
  const bodies = [
    [403, JSON.stringify({ error: "No.", code: "period_not_allowed", message: "No.", request_id: "req_1", details: [{ field: "period" }] })],
    [502, "<html>Bad gateway</html>"],
  ];
  const server = await serve((_request, _body, response) => {
    const [status, body] = bodies.shift();
    response.writeHead(status).end(body);
  });
  const client = new core.EmbedClient({ host: server.host, token: "t" });
  await assert.rejects(client.dashboard(), (error) => error.code === "period_not_allowed" && error.status === 403 && error.requestId === "req_1" && error.details[0].field === "period");
  await assert.rejects(client.dashboard(), (error) => error.code === "http_502" && error.status === 502);
  await server.close();
});

test("no answer at all is tried twice and is then a network error", async () => {
  let attempts = 0;
  const client = new core.EmbedClient({ host: "http://127.0.0.1:9", token: "t", retryDelay: 1, fetch: (url, init) => ((attempts += 1), fetch(url, init)) });
  await assert.rejects(client.dashboard(), (error) => error.code === "network" && error.status === 0);
  assert.equal(attempts, 2);
});

/** Runs a controller against a server and resolves when `until` first holds. */
function follow(host, until) {
  const events = [];
  let controller;
  const reached = new Promise((resolve) => {
    controller = new core.DashboardController({ host }, (event) => {
      events.push(event);
      if (until(event)) resolve();
    });
  });
  return { events, controller, reached };
}

test("a newer state aborts the older request, whose late answer changes nothing", async () => {
  const held = [];
  const server = await serve((request, body, response) => {
    if (request.method === "GET") return json(response, 200, config());
    const { state } = JSON.parse(body);
    const answer = () => json(response, 200, { results: { a: result(state.period === "7d" ? 7 : 30), b: result(0) } });
    if (state.period === "30d" && held.push(answer) > 0) return undefined;
    return answer();
  });
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setToken("t");
  while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  run.controller.dispatch({ type: "period", period: "7d" });
  await run.reached;
  held.forEach((answer) => answer());
  await new Promise((resolve) => setTimeout(resolve, 30));
  await server.close();
  assert.equal(run.controller.widget("a").result.rows[0].value, 7);
  assert.deepEqual(run.events.filter((event) => event.type === "period-change").map((event) => event.period), ["7d"]);
  run.controller.destroy();
});

test("an expired session fails the dashboard; a new token repairs it and keeps the viewer's filters", async () => {
  const states = [];
  const server = await serve((request, body, response) => {
    if (request.headers.authorization !== "Bearer fresh" && states.length > 0) return json(response, 401, { code: "token_expired", error: "x", message: "x" });
    if (request.method === "GET") return json(response, 200, config());
    states.push(JSON.parse(body).state);
    return json(response, 200, { results: { a: result(1), b: result(2) } });
  });
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setToken("old");
  await run.reached;
  run.controller.dispatch({ type: "period", period: "7d" });
  while (run.controller.phase !== "failed") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(run.controller.error.code, "token_expired");
  run.controller.setToken("fresh");
  while (states.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await server.close();
  assert.equal(run.controller.phase, "ready");
  assert.deepEqual(states[1], { period: "7d" });
  run.controller.destroy();
});

test("another customer's session starts from nothing", async () => {
  let tenant = "acme";
  const server = await serve((request, _body, response) => {
    if (request.method === "GET") return json(response, 200, config({ session: { tenant_id: tenant } }));
    return tenant === "acme" ? json(response, 200, { results: { a: result(1), b: result(2) } }) : undefined;
  });
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setToken("one");
  await run.reached;
  run.controller.dispatch({ type: "dimension", dimension: "model", values: ["secret-model"] });
  tenant = "globex";
  run.controller.setToken("two");
  while (run.controller.config.session.tenant_id !== "globex") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(run.controller.widget("a").result, null);
  assert.deepEqual(run.controller.state.dimensions, {});
  run.controller.destroy();
  await server.close();
});

test("the notice of expiry comes before the end, by the server's clock", async () => {
  const server = await serve((request, _body, response) =>
    request.method === "GET"
      ? json(response, 200, config({ session: { server_time: "2031-01-01T00:00:00.000Z", expires_at: "2031-01-01T00:00:00.200Z" } }))
      : json(response, 200, { results: { a: result(1), b: result(2) } }));
  const started = Date.now();
  const run = follow(server.host, (event) => event.type === "token-expiring");
  run.controller.setToken("t");
  await run.reached;
  assert.ok(Date.now() - started >= 140);
  run.controller.destroy();
  await server.close();
});

test("the host's filters wait for the configuration, cause no filter event, and cannot move a locked dimension", async () => {
  const states = [];
  const server = await serve((request, body, response) => {
    if (request.method === "GET") return json(response, 200, config({ permissions: { locked_dimensions: ["model"] } }));
    states.push(JSON.parse(body).state);
    return json(response, 200, { results: { a: result(1), b: result(2) } });
  });
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setFilters({ period: "7d" });
  run.controller.setToken("t");
  await run.reached;
  assert.deepEqual(states, [{ period: "7d" }]);
  run.controller.setFilters({ dimensions: { model: "other" } });
  assert.ok(run.events.some((event) => event.type === "error" && event.code === "filter_locked"));
  assert.deepEqual(run.controller.state.dimensions, {});
  assert.ok(!run.events.some((event) => event.type === "filter"));
  run.controller.destroy();
  await server.close();
});

test("trying again after a network failure repairs all widgets that it cut off", async () => {
  let cut = true;
  const server = await serve((request, body, response) => {
    if (request.method === "GET") return json(response, 200, config());
    if (cut) return response.destroy();
    return json(response, 200, { results: Object.fromEntries(JSON.parse(body).widgets.map((id) => [id, result(1)])) });
  });
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setToken("t");
  await run.reached;
  assert.deepEqual(["a", "b"].map((id) => run.controller.widget(id).error?.code), ["network", "network"]);
  cut = false;
  run.controller.retry("b");
  while (run.controller.widget("a").status !== "ok" || run.controller.widget("b").status !== "ok") await new Promise((resolve) => setTimeout(resolve, 5));
  run.controller.destroy();
  await server.close();
});

const errorsOf = (run) => run.events.filter((event) => event.type === "error").map((event) => event.code);

/** Answers every state, and remembers it. */
function answering(changes = {}, refuse = () => undefined) {
  const asked = [];
  const handle = (request, body, response) => {
    if (request.method === "GET") return json(response, 200, config(typeof changes === "function" ? changes(request) : changes));
    const { state, widgets } = JSON.parse(body);
    asked.push({ state, widgets });
    const refusal = refuse(state);
    if (refusal) return json(response, refusal.status, { error: "No.", message: "No.", ...refusal });
    return json(response, 200, { results: Object.fromEntries(widgets.map((id) => [id, result(asked.length)])) });
  };
  return { asked, handle };
}

for (const early of [true, false]) {
  test(`forbidden parts of the host's filters are left out ${early ? "before" : "after"} the configuration is there, the rest applies`, async () => {
    const { asked, handle } = answering();
    const server = await serve(handle);
    let settled = 0;
    const run = follow(server.host, (event) => event.type === "settled" && (settled += 1) === (early ? 1 : 2));
    const filters = { period: "7d", dimensions: { model: "gpt-4" } };
    if (early) run.controller.setFilters(filters);
    run.controller.setToken("t");
    if (!early) {
      while (settled === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      run.controller.setFilters(filters);
    }
    await run.reached;
    await server.close();
    assert.deepEqual(asked.at(-1).state, { period: "7d" });
    assert.deepEqual(errorsOf(run), ["dimension_not_allowed"]);
    assert.match(run.events.find((event) => event.type === "error").message, /"model"/);
    assert.deepEqual(["a", "b"].map((id) => run.controller.widget(id).status), ["ok", "ok"]);
    run.controller.destroy();
  });
}

test("a single widget may be filtered by what the whole dashboard offers", async () => {
  const widgets = [...config().widgets, { id: "c", title: "c", kind: "breakdown", chart: "bar", position: {}, query: { metric: "count", group_by: "model" } }];
  const { asked, handle } = answering({ widgets });
  const server = await serve(handle);
  const controller = new core.DashboardController({ host: server.host, only: ["a"] }, () => undefined);
  controller.setFilters({ dimensions: { model: "x" } });
  controller.setToken("t");
  while (controller.widget("a").status !== "ok") await new Promise((resolve) => setTimeout(resolve, 5));
  await server.close();
  assert.deepEqual(asked, [{ state: { period: "30d", dimensions: { model: ["x"] } }, widgets: ["a"] }]);
  controller.destroy();
});

test("filters set while a new session loads wait for it and do not cut it off", async () => {
  const { asked, handle } = answering((request) => ({ session: { tenant_id: request.headers.authorization.slice(7) } }));
  const server = await serve(handle);
  let settled = 0;
  const run = follow(server.host, (event) => event.type === "settled" && (settled += 1) === 2);
  run.controller.setToken("acme");
  while (settled === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  run.controller.setToken("globex");
  run.controller.setFilters({ period: "7d" });
  await run.reached;
  await server.close();
  assert.equal(run.controller.config.session.tenant_id, "globex");
  assert.deepEqual(asked.map(({ state }) => state.period), ["30d", "7d"]);
  run.controller.destroy();
});

test("a session that permits less takes from the viewer's state what it forbids", async () => {
  const { asked, handle } = answering((request) => ({ permissions: request.headers.authorization.endsWith("narrow") ? { allowed_periods: ["30d"] } : {} }));
  const server = await serve(handle);
  let settled = 0;
  const run = follow(server.host, (event) => event.type === "settled" && (settled += 1) === 3);
  run.controller.setToken("wide");
  while (settled === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  run.controller.dispatch({ type: "period", period: "7d" });
  while (settled === 1) await new Promise((resolve) => setTimeout(resolve, 5));
  run.controller.setToken("narrow");
  await run.reached;
  await server.close();
  assert.deepEqual(asked.map(({ state }) => state.period), ["30d", "7d", "30d"]);
  assert.deepEqual(errorsOf(run), ["period_not_allowed"]);
  run.controller.destroy();
});

test("a state that the server refuses gives way to the last good one, with one error", async () => {
  const range = { from: "2020-01-01", to: "2026-01-01" };
  for (const refusal of [{ status: 403, code: "range_too_long" }, { status: 422, code: "validation_failed" }]) {
    const { asked, handle } = answering({}, (state) => (state.dateRanges ? refusal : undefined));
    const server = await serve(handle);
    let settled = 0;
    const run = follow(server.host, (event) => event.type === "settled" && (settled += 1) === 3);
    run.controller.setToken("t");
    while (settled === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    run.controller.setFilters({ period: "7d" });
    while (settled === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    run.controller.setFilters({ dateRanges: range });
    await run.reached;
    await server.close();
    assert.deepEqual(asked.map(({ state }) => state), [{ period: "30d" }, { period: "7d" }, { period: "7d", dateRanges: range }, { period: "7d" }]);
    assert.deepEqual(errorsOf(run), [refusal.code]);
    assert.deepEqual(core.toWire(run.controller.state), { period: "7d" });
    assert.ok(!run.events.some((event) => event.type === "widget" && event.widget.status === "error"));
    run.controller.destroy();
  }
});

test("when even the initial state is refused, the cards say so and nothing is asked again", async () => {
  const { asked, handle } = answering({}, () => ({ status: 403, code: "period_not_allowed" }));
  const server = await serve(handle);
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setFilters({ period: "7d" });
  run.controller.setToken("t");
  await run.reached;
  await server.close();
  assert.deepEqual(asked.map(({ state }) => state.period), ["7d", "30d"]);
  assert.equal(run.controller.widget("a").error.code, "period_not_allowed");
  run.controller.destroy();
});

test("widgets without a query, or of a kind unknown here, are not asked for", async () => {
  const widgets = [...config().widgets, { id: "t", title: "t", kind: "text", chart: "text", position: {} }, { id: "h", title: "h", kind: "globe", chart: "globe", position: {}, query: { metric: "count" } }];
  const { asked, handle } = answering({ widgets });
  const server = await serve(handle);
  const run = follow(server.host, (event) => event.type === "settled");
  run.controller.setToken("t");
  await run.reached;
  await server.close();
  assert.deepEqual(asked.map((one) => one.widgets), [["a", "b"]]);
  assert.deepEqual(errorsOf(run), []);
  run.controller.destroy();
});

test("a session for another dashboard than the one named is one error, and no data is asked for", async () => {
  const { asked, handle } = answering({ slug: "usage" });
  const server = await serve(handle);
  for (const [dashboard, fits] of [["dash_1", true], ["usage", true], ["dash_2", false]]) {
    asked.length = 0;
    const events = [];
    const controller = new core.DashboardController({ host: server.host, dashboard }, (event) => events.push(event));
    controller.setToken("t");
    while (!events.some((event) => event.type === "settled" || event.type === "error")) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(asked.length, fits ? 1 : 0, dashboard);
    assert.equal(controller.phase, fits ? "ready" : "failed", dashboard);
    if (fits) controller.setDashboard("dash_2");
    assert.deepEqual(errorsOf({ events }), ["dashboard_mismatch"]);
    assert.equal(controller.phase, "failed");
    controller.destroy();
  }
  await server.close();
});

// --- Opening -------------------------------------------------------------------------------------------------------------

const opened = { id: "dash_1", name: "Usage", filters: [{ id: "p", type: "period", default: "7d", options: ["7d", "30d"] }], widgets: [] };

/** A server whose answer to `/v1/embed/view` is written in these pieces, and which notes what it was asked. */
async function openingServer(t, pieces, results = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", async () => {
      asked.push([request.url, text === "" ? null : JSON.parse(text)]);
      if (request.url.startsWith("/v1/embed/view")) {
        response.writeHead(200, { "Content-Type": "application/x-ndjson" });
        for (const piece of pieces) {
          if (piece === null) return response.destroy();
          await new Promise((resolve) => response.write(piece, resolve));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return response.end();
      }
      response.writeHead(200, { "Content-Type": "application/json" });
      return response.end(JSON.stringify(request.url.startsWith("/v1/embed/dashboard") ? opened : { results }));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { client: new core.EmbedClient({ host: `http://127.0.0.1:${server.address().port}`, token: "t", retryDelay: 1 }), asked };
}

const head = JSON.stringify({ dashboard: opened, state: { period: "7d" } });
const answered = (value) => ({ columns: [{ name: "value", type: "number", role: "measure" }], rows: [{ value }], previous: null, meta: {} });
const line = (widget, value) => `${JSON.stringify({ widget, result: answered(value) })}\n`;

async function ask(client, opening, state = { period: "7d" }) {
  const seen = {};
  await client.query(state, ["a", "b"], (widget, answer) => (seen[widget] = answer.result?.rows[0].value ?? answer.error.code), undefined, opening);
  return seen;
}

test("a dashboard and its answers come in one request, wherever the pieces end", async (t) => {
  const whole = `${head}\n${line("a", 1)}${line("b", 2)}`;
  for (const pieces of [[whole], [whole.slice(0, 30), whole.slice(30, -20), whole.slice(-20)], [`${head}\n`, line("a", 1), line("b", 2).trimEnd()]]) {
    const { client, asked } = await openingServer(t, pieces);
    const { config, opening } = await client.open();
    assert.deepEqual([config.id, opening.state], ["dash_1", { period: "7d" }]);
    assert.deepEqual(await ask(client, opening), { a: 1, b: 2 });
    assert.deepEqual(asked.map(([url]) => url), ["/v1/embed/view"]);
  }
});

test("what an opening does not answer, and another state, is asked for as ever", async (t) => {
  for (const pieces of [[`${head}\n`, line("a", 1)], [`${head}\n`, line("a", 1), null]]) {
    const { client, asked } = await openingServer(t, pieces, { b: answered(7) });
    assert.deepEqual(await ask(client, (await client.open()).opening), { a: 1, b: 7 });
    assert.deepEqual(asked.at(-1), ["/v1/embed/query", { state: { period: "7d" }, widgets: ["b"] }]);
  }
  const { client, asked } = await openingServer(t, [`${head}\n`, line("a", 1), line("b", 2)], { a: answered(8), b: answered(9) });
  assert.deepEqual(await ask(client, (await client.open()).opening, { period: "30d" }), { a: 8, b: 9 });
  assert.deepEqual(asked.at(-1), ["/v1/embed/query", { state: { period: "30d" }, widgets: ["a", "b"] }]);
});

test("a view that is cut off or no view at all leaves the configuration to be asked for", async (t) => {
  for (const pieces of [[head.slice(0, 20), null], ["<!doctype html>\n"], []]) {
    const { client, asked } = await openingServer(t, pieces);
    const { config, opening } = await client.open(undefined, "usage");
    assert.deepEqual([config.id, opening], ["dash_1", null]);
    assert.deepEqual(asked.map(([url]) => url), ["/v1/embed/view?dashboard=usage", "/v1/embed/dashboard?dashboard=usage"]);
  }
});
