// When sessions end and how fresh ones are had, on a clock that the test turns.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { load, meta } from "./bundle.mjs";

const core = await load("core");
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Both clocks of a browser and its timers. While it sleeps the wall clock goes on, the other one and the timers stand still. */
class Clock {
  constructor(wall = Date.parse("2026-11-21T12:00:00Z")) {
    this.wall = wall;
    this.steady = 0;
    this.timers = new Map();
    this.next = 1;
    this.real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now, performance: performance.now };
    globalThis.setTimeout = (action, wait = 0) => {
      this.timers.set(this.next, { action, at: this.steady + wait });
      return this.next++;
    };
    globalThis.clearTimeout = (id) => this.timers.delete(id);
    Date.now = () => this.wall;
    performance.now = () => this.steady;
  }

  restore() {
    Object.assign(globalThis, { setTimeout: this.real.setTimeout, clearTimeout: this.real.clearTimeout });
    Date.now = this.real.now;
    performance.now = this.real.performance;
  }

  async settle() {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async run(milliseconds) {
    await this.settle();
    const end = this.steady + milliseconds;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      const [id, { action, at }] = due;
      this.timers.delete(id);
      this.wall += Math.max(0, at - this.steady);
      this.steady = Math.max(this.steady, at);
      action();
      await this.settle();
    }
    this.wall += end - this.steady;
    this.steady = end;
  }

  sleep(milliseconds) {
    this.wall += milliseconds;
  }
}

async function withClock(body) {
  const clock = new Clock();
  try {
    await body(clock);
  } finally {
    clock.restore();
  }
}

const minutes = (count) => count * 60_000;
const at = (time) => new Date(time).toISOString();
const server = Date.parse("2026-11-21T09:00:00Z");

test("an hour's session is announced a minute before its end by the server's clock, whatever the browser's says", () =>
  withClock(async (clock) => {
    for (const skew of [-minutes(300), 0, minutes(300)]) {
      clock.wall = server + skew;
      const told = [];
      const watch = new core.ExpiryWatch((expiresAt) => told.push(expiresAt));
      watch.set(at(server + minutes(60)), at(server));
      await clock.run(minutes(58));
      assert.deepEqual(told, []);
      await clock.run(minutes(1) + 1);
      assert.deepEqual(told, [at(server + minutes(60))]);
      assert.ok(Math.abs(watch.left - minutes(1)) < 1000);
      await clock.run(minutes(30));
      assert.equal(told.length, 1, "said once");
      watch.stop();
    }
  }));

test("a short session is announced after three quarters of it", () =>
  withClock(async (clock) => {
    const told = [];
    const watch = new core.ExpiryWatch(() => told.push(clock.steady));
    watch.set(at(server + 80_000), at(server));
    await clock.run(minutes(2));
    assert.deepEqual(told, [60_000]);
  }));

test("a clock that is set back or forward meanwhile makes nothing late", () =>
  withClock(async (clock) => {
    const told = [];
    const watch = new core.ExpiryWatch(() => told.push(clock.steady));
    watch.set(at(server + minutes(10)), at(server));
    await clock.run(minutes(5));
    clock.wall -= minutes(60);
    await clock.run(minutes(4) + 1);
    assert.equal(told.length, 1);
  }));

test("a laptop that slept beyond the end hears of it when it wakes: at once when told, otherwise within seconds", () =>
  withClock(async (clock) => {
    for (const wakes of [true, false]) {
      const told = [];
      const watch = new core.ExpiryWatch(() => told.push(1));
      watch.set(at(server + minutes(60)), at(server));
      await clock.run(minutes(5));
      clock.sleep(minutes(480));
      if (wakes) watch.check();
      else await clock.run(20_000);
      assert.equal(told.length, 1);
      assert.ok(watch.left < 0);
      watch.check();
      assert.equal(told.length, 1, "signs of life that come together are one");
      await clock.run(6000);
      watch.check();
      assert.equal(told.length, 2, "a host that has not brought a session is reminded");
      watch.stop();
    }
  }));

test("without times of the server nothing is announced", () =>
  withClock(async (clock) => {
    const watch = new core.ExpiryWatch(() => assert.fail("nothing is known"));
    watch.set(undefined, undefined);
    watch.check();
    watch.set("no time", at(server));
    watch.check();
    await clock.run(minutes(100));
  }));

test("a renewal that fails is repeated less and less often, told once, and goes on for as long as it takes", () =>
  withClock(async (clock) => {
    const attempts = [];
    const failures = [];
    const adopted = [];
    const begin = clock.steady;
    const renewal = new core.Renewal({
      fetch: () => {
        attempts.push(clock.steady - begin);
        if (clock.steady - begin < minutes(30)) throw new Error("offline");
        return "fresh";
      },
      adopt: (session) => adopted.push(session), failed: (message) => failures.push(message), random: () => 0,
    });
    const done = renewal.request();
    assert.equal(await renewal.request(), false, "one request at a time");
    await clock.run(minutes(40));
    assert.equal(await done, true);
    assert.deepEqual(attempts.slice(0, 6), [0, 1000, 5000, 20_000, 80_000, 380_000]);
    assert.ok(attempts.length < 14, `${attempts.length} attempts in half an hour`);
    assert.deepEqual(failures, ["offline"]);
    assert.deepEqual(adopted, ["fresh"]);
  }));

test("a renewal goes on at once when the page wakes up, however often that is said", () =>
  withClock(async (clock) => {
    let isOnline = false;
    let attempts = 0;
    const adopted = [];
    const renewal = new core.Renewal({
      fetch: async () => {
        attempts += 1;
        if (!isOnline) throw new Error("offline");
        return "fresh";
      },
      adopt: (session) => adopted.push(session), failed: () => undefined,
    });
    const done = renewal.request();
    await clock.run(100_000);
    const before = attempts;
    isOnline = true;
    for (let sign = 0; sign < 5; sign += 1) renewal.wake();
    await clock.settle();
    assert.equal(await done, true);
    assert.equal(attempts, before + 1);
    assert.deepEqual(adopted, ["fresh"]);
  }));

test("a sign of life while an attempt is under way, or just after it, is not lost", () =>
  withClock(async (clock) => {
    for (const early of [true, false]) {
      const fails = [];
      let isOnline = false;
      const begin = clock.steady;
      const renewal = new core.Renewal({
        fetch: () => (isOnline && fails.length > 5 ? "fresh" : new Promise((_resolve, reject) => fails.push(reject))),
        adopt: () => undefined, failed: () => undefined, random: () => 0,
      });
      const done = renewal.request();
      for (let attempt = 0; attempt < 5; attempt += 1) {
        await clock.settle();
        fails[attempt](new Error("offline"));
        await clock.run([1000, 4000, 15_000, 60_000, 300_000][attempt]);
      }
      assert.equal(clock.steady - begin, 380_000);
      // The sixth began without a network, and fails after it has come back.
      if (early) renewal.wake();
      isOnline = true;
      fails[5](new Error("offline"));
      await clock.settle();
      if (!early) renewal.wake();
      await clock.run(1500);
      assert.equal(await done, true);
    }
  }));

test("an answer that never comes is given up, and one that cannot be used counts as none", () =>
  withClock(async (clock) => {
    const answers = [new Promise(() => undefined), "nonsense", "good"];
    const adopted = [];
    const renewal = new core.Renewal({
      fetch: () => answers.shift(),
      adopt: (session) => {
        if (session === "nonsense") throw new TypeError("no URL");
        adopted.push(session);
      },
      failed: () => assert.fail("too early to tell"),
    });
    const done = renewal.request();
    await clock.run(minutes(1));
    assert.equal(await done, true);
    assert.deepEqual(adopted, ["good"]);
  }));

test("a renewal that was stopped brings nothing any more", () =>
  withClock(async (clock) => {
    let bring;
    const renewal = new core.Renewal({ fetch: () => new Promise((resolve) => (bring = resolve)), adopt: () => assert.fail("stopped"), failed: () => undefined });
    const done = renewal.request();
    await clock.settle();
    renewal.stop();
    bring("late");
    await clock.run(minutes(10));
    assert.equal(await done, false);
    assert.equal(await renewal.request(), false);
  }));

/** A real server on a free port. */
async function serve(handle) {
  const running = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => handle(request, body, response));
  });
  await new Promise((resolve) => running.listen(0, "127.0.0.1", resolve));
  // A test that fails before it closes its server must not keep the process alive.
  running.unref();
  running.on("connection", (socket) => socket.unref());
  return {
    host: `http://127.0.0.1:${running.address().port}`,
    close: () => {
      running.closeAllConnections();
      return new Promise((resolve) => running.close(resolve));
    },
  };
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

const config = (changes = {}) => ({
  id: "dash_1", slug: "usage", name: "Usage", layout: {}, filters: [], permissions: {}, session: { tenant_id: "acme" },
  widgets: [{ id: "a", title: "a", kind: "kpi", chart: "stat", position: { x: 0, y: 0, w: 3, h: 2 }, query: { metric: "count" } }], ...changes,
});
const value = { columns: [{ name: "value", type: "number", role: "measure" }], rows: [{ value: 1 }], previous: null, meta: meta() };

async function until(condition) {
  for (let turn = 0; turn < 6000 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

test("a session that asks too often waits as long as the server wants, and asks again", async () => {
  const seen = [];
  const running = await serve((request, _body, response) => {
    seen.push(Date.now());
    if (seen.length === 1) answer(response, 429, { code: "session_rate_limited", error: "slow" }, { "Retry-After": "1" });
    else answer(response, 200, config());
  });
  const client = new core.EmbedClient({ host: running.host, token: "t" });
  assert.equal((await client.dashboard()).id, "dash_1");
  assert.ok(seen[1] - seen[0] >= 990, `${seen[1] - seen[0]} ms`);
  await running.close();
});

test("a plan's limit is no matter of waiting", async () => {
  let asked = 0;
  const running = await serve((_request, _body, response) => {
    asked += 1;
    answer(response, 429, { code: "queries_limit_reached", error: "used up" }, { "Retry-After": "3600" });
  });
  const client = new core.EmbedClient({ host: running.host, token: "t" });
  await assert.rejects(client.dashboard(), (error) => error.code === "queries_limit_reached" && error.retryAfter === 3600);
  assert.equal(asked, 1);
  await running.close();
});

test("the dashboard that a host chose is named to servers that let it choose, in every request", async () => {
  const seen = [];
  let dashboards = [{ id: "dash_1", slug: "usage", name: "Usage" }];
  const running = await serve((request, body, response) => {
    if (request.url.startsWith("/v1/embed/view")) {
      answer(response, 404, { code: "not_found", error: "No such route." });
      return;
    }
    seen.push([request.method, request.url, body === "" ? null : JSON.parse(body)]);
    if (request.url.startsWith("/v1/embed/dashboard")) answer(response, 200, config(dashboards ? { dashboards } : {}));
    else if (request.url.startsWith("/v1/embed/query")) answer(response, 200, { results: { a: value } });
    else answer(response, 200, { dimension: "model", values: [] });
  });
  for (const [chosen, member] of [["usage", "dash_1"], ["usage", undefined]]) {
    if (member === undefined) dashboards = undefined;
    seen.length = 0;
    const events = [];
    const controller = new core.DashboardController({ host: running.host, dashboard: chosen }, (event) => events.push(event.type));
    controller.setToken("t");
    await until(() => events.includes("settled"));
    await controller.filterValues("model", "");
    assert.equal(seen[0][1], "/v1/embed/dashboard?dashboard=usage");
    assert.equal(seen[1][2].dashboard, member, "older servers refuse members that they do not know");
    assert.equal(new URL(seen[2][1], "http://x").searchParams.get("dashboard"), member ?? null);
    controller.destroy();
  }
  await running.close();
});

test("what an expired session has shown stays while the host brings another; a withdrawn one is taken off at once", async () => {
  let good = "first";
  let code = "token_expired";
  const running = await serve((request, _body, response) => {
    if (request.headers.authorization !== `Bearer ${good}`) answer(response, 401, { code, error: code });
    else if (request.url.startsWith("/v1/embed/dashboard")) answer(response, 200, config({ filters: [{ id: "p", type: "period", default: "30d" }] }));
    else answer(response, 200, { results: { a: value } });
  });
  const events = [];
  const controller = new core.DashboardController({ host: running.host }, (event) => events.push(event));
  const errors = () => events.filter((event) => event.type === "error").map((event) => event.code);
  controller.setToken("first");
  await until(() => events.some((event) => event.type === "settled"));
  good = "second";
  controller.dispatch({ type: "period", period: "7d" });
  await until(() => errors().length > 0);
  controller.dispatch({ type: "period", period: "90d" });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(errors(), ["token_expired"], "told once");
  assert.equal(controller.phase, "ready");
  controller.setToken("second");
  await until(() => events.filter((event) => event.type === "settled").length === 2);
  assert.equal(controller.state.period, "90d", "no choice was lost");
  code = "session_revoked";
  good = "third";
  controller.dispatch({ type: "period", period: "24h" });
  await until(() => errors().length > 1);
  assert.equal(controller.phase, "failed");
  controller.setToken("third");
  await until(() => events.filter((event) => event.type === "settled").length === 3);
  assert.equal(controller.state.period, "24h");
  controller.destroy();
  await running.close();
});

test("a page that hears of no data hears of its session's end over a stream of its own, and of nothing else", async () => {
  const seen = [];
  let stream;
  const running = await serve((request, _body, response) => {
    seen.push(request.url);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write('event: open\ndata: {"expires_at": "2026-11-21T10:00:00Z"}\n\n: alive\n\n');
    stream = response;
  });
  const ended = [];
  const watch = new core.SessionWatch({ host: running.host, slot: async (work) => (await work(), true), ended: (error) => ended.push(error) });
  watch.set({ token: "t", dashboard: null });
  await until(() => stream);
  assert.deepEqual(seen, ["/v1/embed/live?only=session"]);
  stream.end('event: revoked\ndata: {"code":"session_revoked"}\n\nevent: end\ndata: {"code":"session_revoked"}\n\n');
  await until(() => ended.length > 0);
  assert.deepEqual(ended.map((error) => [error.code, error.isSession]), [["session_revoked", true]]);
  stream = undefined;
  watch.set({ token: "u" });
  await until(() => stream);
  watch.set({ token: null });
  await until(() => stream.destroyed || stream.closed || stream.socket === null || stream.socket.destroyed);
  assert.equal(seen.length, 2);
  await running.close();
});

test("emban-embed.js is small, needs nothing, and its types say what it has", () => {
  const script = readFileSync(join(root, ".build/web-tests/emban-embed.js"), "utf8");
  const size = gzipSync(script, { level: 9 }).length;
  assert.ok(size <= 6 * 1024, `${size} bytes as gzip`);
  assert.ok(!/\bimport\s*\(|\brequire\s*\(|from\s*"/.test(script), "no module beside it");
  const types = readFileSync(join(root, "web/packages/embed-helper/src/types.ts"), "utf8");
  assert.ok(!/^import /m.test(types), "/sdk/emban-embed.d.ts is one file without imports");
  for (const name of ["on", "off", "setFilters", "setTheme", "reload", "setEmbedUrl", "destroy"]) assert.match(types, new RegExp(`^  ${name}[(<]`, "m"), name);
  for (const name of ["ready", "resize", "drill", "filter", "period-change", "error", "token-expiring"]) assert.match(types, new RegExp(`readonly "?${name}"?:`), name);
});
