import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { load, meta } from "./bundle.mjs";

const core = await load("core");
const start = Date.parse("2026-11-01T00:00:00Z");
const iso = (seconds) => new Date(start + seconds * 1000).toISOString();
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(isSo, message = "it never came so") {
  for (let attempt = 0; attempt < 6000; attempt += 1) {
    if (isSo()) return;
    await pause(10);
  }
  assert.fail(message);
}

/** An Emban of one number: `changed()` tells its streams, `answers` are the requests for data. */
async function serve(test) {
  const world = { value: 1, asOf: 0, lastChange: -100, streams: new Set(), opened: 0, answers: [], refuse: null, fail: false, delay: 0 };
  const server = createServer((request, response) => {
    request.on("data", () => undefined);
    const json = (status, body, headers = {}) => response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
    request.on("end", async () => {
      if (request.url === "/v1/embed/view") return json(404, { code: "not_found", error: "No such route." });
      if (request.url === "/v1/embed/dashboard") {
        return json(200, {
          id: "dash_1", name: "Usage", live: true, layout: {}, filters: [{ id: "p", type: "period", default: "30d", options: ["7d", "30d"] }], permissions: {}, session: { tenant_id: "acme" },
          widgets: [{ id: "a", title: "a", kind: "kpi", chart: "stat", position: { x: 0, y: 0, w: 3, h: 2 }, query: { metric: "count" } }],
        });
      }
      if (request.url === "/v1/embed/query") {
        world.answers.push(Date.now());
        const { value, asOf } = world;
        await pause(world.delay);
        if (world.fail) return response.destroy();
        return json(200, { results: { a: { columns: [{ name: "value", type: "number", role: "measure" }], rows: [{ value }], previous: null, meta: meta({ data_as_of: iso(asOf), elapsed_ms: Math.random() }) } } });
      }
      if (world.refuse) return json(world.refuse.status, world.refuse, world.refuse.headers);
      world.opened += 1;
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      world.streams.add(response);
      response.on("close", () => world.streams.delete(response));
      response.write(`retry: 3000\n\nevent: open\ndata: {"data_as_of":"${iso(world.lastChange)}"${world.refreshes === undefined ? "" : `,"refreshes":${world.refreshes}`}}\n\n`);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  world.host = `http://127.0.0.1:${server.address().port}`;
  world.say = (text) => world.streams.forEach((stream) => stream.write(text));
  world.change = () => {
    world.value += 1;
    world.asOf += 10;
    world.lastChange = world.asOf - 1;
    world.say(`event: changed\ndata: {"data_as_of":"${iso(world.lastChange)}"}\n\n`);
  };
  world.end = (code) => world.streams.forEach((stream) => stream.end(`event: end\ndata: {"code":"${code}"}\n\n`));
  world.pages = [];
  test.after(() => {
    world.pages.forEach((close) => close());
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return world;
}

/** A dashboard that listens; what it showed, and how often it was drawn. */
async function open(world, token, slot = async (work) => (await work(), true)) {
  const seen = { states: [], updates: 0, ended: [], drawn: 0, statuses: new Set(), settled: 0 };
  const controller = new core.DashboardController({ host: world.host }, (event) => {
    if (event.type === "settled") seen.settled += 1;
    if (event.type !== "widget") return;
    seen.drawn += 1;
    seen.statuses.add(event.widget.status);
  });
  const live = new core.LiveUpdates(controller, {
    host: world.host, slot, show: (state) => seen.states.push(state), updated: () => (seen.updates += 1), ended: (error) => seen.ended.push(error.code),
  });
  const close = () => (live.set({ token: null }), controller.destroy());
  world.pages.push(close);
  controller.setToken(token);
  live.set({ token });
  await until(() => controller.phase === "ready" && !controller.isBusy && world.streams.size > 0);
  const value = () => controller.widget("a").result.rows[0].value;
  return { controller, live, seen, value, close };
}

test("a stream of events survives any split of its bytes; comments and nonsense are passed over", () => {
  const text = 'retry: 3000\n\nevent: open\ndata: {"a": "größer → 日本 🎉"}\n\n: still there\n\nevent: odd\ndata: {not json\n\ndata: {"b":\ndata: 2}\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    const decoder = new core.EventStreamDecoder();
    const messages = [];
    for (let from = 0; from < bytes.length; from += size) messages.push(...decoder.push(bytes.subarray(from, from + size)));
    assert.deepEqual(messages, [{ name: "open", data: { a: "größer → 日本 🎉" } }, { name: "message", data: { b: 2 } }], `chunks of ${size}`);
  }
});

test("a change is shown without a sign of waiting; without one nothing is asked for", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t1");
  await pause(400);
  assert.equal(world.answers.length, 1, "what was answered after the last change is fresh");
  page.seen.statuses.clear();
  world.change();
  await until(() => page.value() === 2);
  assert.deepEqual([...page.seen.statuses], ["ok"]);
  assert.equal(page.seen.updates, 1);
  assert.equal(page.seen.settled, 1, "a refresh is not announced");
});

test("many changes are a refresh every two seconds, the last of which shows all of them", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t2");
  // When it asks, not when that arrives: on a busy machine the one question takes longer on its way than the other.
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  const times = [];
  globalThis.fetch = (address, init) => {
    if (String(address).endsWith("/v1/embed/query")) times.push(performance.now());
    return fetch(address, init);
  };
  for (let count = 0; count < 25; count += 1) {
    world.change();
    await pause(100);
  }
  await until(() => page.value() === world.value);
  assert.ok(times.length >= 2, `${times.length} refreshes`);
  for (let index = 1; index < times.length; index += 1) assert.ok(times[index] - times[index - 1] >= 1950, "not too often");
});

test("an answer with the same data leaves what stands there as it is", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t3");
  const { drawn } = page.seen;
  const before = page.controller.widget("a").result;
  world.value -= 1;
  world.change();
  await until(() => page.seen.updates === 1);
  assert.equal(page.controller.widget("a").result, before);
  assert.equal(page.seen.drawn, drawn);
});

test("while nobody looks there is no stream; who looks again sees what has changed, and asks for nothing otherwise", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t4");
  page.live.set({ visible: false });
  await until(() => world.streams.size === 0);
  world.change();
  await pause(300);
  assert.equal(page.value(), 1);
  page.live.set({ visible: true });
  await until(() => page.value() === 2);
  const asked = world.answers.length;
  world.asOf += 100;
  page.live.set({ visible: false });
  await until(() => world.streams.size === 0);
  page.live.set({ visible: true });
  await until(() => world.streams.size === 1);
  await pause(2500);
  // The answer came 1 s after the change, which may be less than clocks differ: asked for once more, and then never again.
  assert.ok(world.answers.length <= asked + 1, `${world.answers.length - asked} more`);
});

test("the viewer pauses and resumes", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t5");
  page.live.set({ paused: true });
  await until(() => world.streams.size === 0);
  world.change();
  await pause(200);
  assert.equal(page.value(), 1);
  page.live.set({ paused: false });
  await until(() => page.value() === 2);
  assert.deepEqual(page.seen.states, ["on", "paused", "on"]);
});

test("a stream that breaks off is opened again, and what happened meanwhile is shown", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t6");
  world.streams.forEach((stream) => stream.destroy());
  world.change();
  await until(() => world.opened === 2 && page.value() === 2);
  world.end("shutting_down");
  await until(() => world.opened === 3);
  assert.deepEqual(page.seen.states, ["on"], "a short break is no news");
});

test("a server that is full is left alone for as long as it wants", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t7");
  let asked = 0;
  world.refuse = { status: 503, code: "live_streams_full", message: "x", error: "x", headers: { "Retry-After": "3" } };
  Object.defineProperty(world.refuse, "status", { get: () => ((asked += 1), 503) });
  world.end("shutting_down");
  await until(() => asked > 0);
  const before = asked;
  await pause(1500);
  assert.equal(asked, before);
});

test("a session that is refused ends it, by the stream or by the answer", async (t) => {
  const world = await serve(t);
  const first = await open(world, "t8");
  world.end("session_revoked");
  await until(() => first.seen.ended.length > 0);
  assert.deepEqual(first.seen.ended, ["session_revoked"]);
  assert.deepEqual(first.seen.states, ["on", "off"]);
  first.close();
  const second = await open(world, "t9");
  world.refuse = { status: 401, code: "token_expired", message: "x", error: "x" };
  world.end("shutting_down");
  await until(() => second.seen.ended.length > 0);
  assert.deepEqual(second.seen.ended, ["token_expired"]);
  second.close();
});

test("an older server without streams is borne in silence", async (t) => {
  const world = await serve(t);
  world.refuse = { status: 404, code: "not_found", message: "x", error: "x" };
  const seen = { states: [], ended: [] };
  const controller = new core.DashboardController({ host: world.host }, () => undefined);
  const live = new core.LiveUpdates(controller, {
    host: world.host, slot: async (work) => (await work(), true), show: (state) => seen.states.push(state), updated: () => undefined, ended: (error) => seen.ended.push(error.status),
  });
  world.pages.push(() => (live.set({ token: null }), controller.destroy()));
  controller.setToken("t10");
  live.set({ token: "t10" });
  await until(() => seen.ended.length > 0);
  assert.deepEqual(seen, { states: [], ended: [404] });
});

test("all who show one session on a page share a stream", async (t) => {
  const world = await serve(t);
  const pages = [];
  for (let count = 0; count < 5; count += 1) pages.push(await open(world, "t11"));
  assert.equal(world.opened, 1);
  world.change();
  await until(() => pages.every((page) => page.value() === 2));
  pages.slice(1).forEach((page) => page.close());
  await pause(100);
  assert.equal(world.streams.size, 1);
  pages[0].close();
  await until(() => world.streams.size === 0);
});

test("without room for a stream the server is asked now and then, and lets go at once", async (t) => {
  const world = await serve(t);
  const seen = [];
  const controller = new core.DashboardController({ host: world.host }, () => undefined);
  const live = new core.LiveUpdates(controller, {
    host: world.host, slot: async () => false, show: (state) => seen.push(state), updated: () => undefined, ended: () => undefined,
  });
  world.pages.push(() => (live.set({ token: null }), controller.destroy()));
  controller.setToken("t12");
  live.set({ token: "t12" });
  await until(() => world.opened === 1 && world.streams.size === 0);
  assert.deepEqual(seen, ["on"]);
  world.change();
  live.hurry();
  await until(() => controller.widget("a").result?.rows[0].value === 2);
  await until(() => world.streams.size === 0);
});

test("a refresh gives way to what the viewer wants, and comes afterwards", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t13");
  world.delay = 300;
  world.change();
  await until(() => world.answers.length === 2);
  page.controller.dispatch({ type: "period", period: "7d" });
  assert.ok(page.controller.isBusy);
  await until(() => !page.controller.isBusy);
  await until(() => page.seen.updates === 1);
  assert.equal(page.value(), 2);
  assert.equal(page.controller.state.period, "7d");
});

test("a refresh that fails takes nothing away", async (t) => {
  const world = await serve(t);
  const page = await open(world, "t14");
  world.fail = true;
  world.change();
  await until(() => world.answers.length >= 3);
  await pause(200);
  assert.equal(page.value(), 1);
  assert.equal(page.controller.phase, "ready");
  assert.equal(page.controller.widget("a").status, "ok");
});

test("a page that does not refresh by itself asks once more when its answers were thrown away", async (t) => {
  const world = await serve(t);
  const outcomes = ["later", "failed", "done"];
  const asked = [];
  const watch = new core.SessionWatch({ host: world.host, slot: async (work) => (await work(), true), ended: () => undefined, refresh: async () => (asked.push(Date.now()), outcomes[asked.length - 1]) });
  world.pages.push(() => watch.set({ token: null }));
  watch.set({ token: "t20" });
  await until(() => world.streams.size === 1);
  assert.equal(asked.length, 0);
  world.change();
  await until(() => asked.length === 2);
  assert.ok(asked[1] - asked[0] >= 150, "the viewer's own question first");
  // Hidden and seen again: at once, not when the wait after a failure is over.
  watch.set({ visible: false });
  watch.set({ visible: true });
  await until(() => asked.length === 3);
});

test("answers that were thrown away while nobody listened are asked for when somebody does again", async (t) => {
  const world = await serve(t);
  world.refreshes = 3;
  const asked = [];
  const watch = new core.SessionWatch({ host: world.host, slot: async (work) => (await work(), true), ended: () => undefined, refresh: async () => (asked.push(1), "done") });
  world.pages.push(() => watch.set({ token: null }));
  watch.set({ token: "t22" });
  await until(() => world.streams.size === 1);
  watch.set({ visible: false });
  await until(() => world.streams.size === 0);
  watch.set({ visible: true });
  await until(() => world.streams.size === 1);
  watch.set({ visible: false });
  await until(() => world.streams.size === 0);
  assert.equal(asked.length, 0);
  world.refreshes = 4;
  watch.set({ visible: true });
  await until(() => asked.length === 1);
});

test("without room for a stream the end of a session is noticed within a second all the same", async (t) => {
  const world = await serve(t);
  const ended = [];
  const watch = new core.SessionWatch({ host: world.host, slot: async () => false, ended: (error) => ended.push(error.code), refresh: async () => "done" });
  world.pages.push(() => watch.set({ token: null }));
  watch.set({ token: "t21" });
  await until(() => world.opened >= 1 && world.streams.size === 0);
  const begin = performance.now();
  world.refuse = { status: 401, code: "session_revoked", error: "Withdrawn." };
  await until(() => ended.length === 1);
  assert.equal(ended[0], "session_revoked");
  assert.ok(performance.now() - begin < 9000, "not after ten seconds");
});
