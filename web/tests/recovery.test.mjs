// What a page does when its session is refused, cannot be used just now, or becomes another customer's.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { load, meta } from "./bundle.mjs";

// The browser's window and document, as far as signs of life come from there.
const page = new EventTarget();
globalThis.window = page;
globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });

const core = await load("core");

const jwt = (claims) => `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2lnbmF0dXJl`;
const token = (tenant, number = 1) => jwt({ org: "org_1", env: "production", tenant, jti: `ses_${number}` });

/** Timers that run at once, one after the other; their waits are kept. */
async function atOnce(body) {
  const waits = [];
  const real = { setTimeout, clearTimeout, now: Date.now };
  let now = 1_000_000;
  const pending = new Map();
  let next = 1;
  globalThis.setTimeout = (action, wait = 0) => {
    const id = next++;
    pending.set(id, { action, at: now + wait, wait });
    return id;
  };
  globalThis.clearTimeout = (id) => pending.delete(id);
  Date.now = () => now;
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const clock = {
    waits,
    settle,
    /** Until nothing is waited for, but for what an answer that never comes would need. */
    async run(milliseconds) {
      const end = now + milliseconds;
      await settle();
      for (;;) {
        const [first] = [...pending].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
        if (!first) break;
        const [id, { action, at, wait }] = first;
        pending.delete(id);
        now = at;
        waits.push(wait);
        action();
        await settle();
      }
      now = end;
    },
  };
  try {
    await body(clock);
  } finally {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Date.now = real.now;
  }
}

function recovering(fetch) {
  const told = [];
  let current = "first";
  const recovery = new core.Recovery({
    fetch, token: () => current, adopt: (session) => (current = session), failed: (message) => told.push(["failed", message]), gaveUp: () => told.push(["gave up"]),
  });
  return { recovery, told, current: () => current };
}

test("sessions that are refused one after the other are followed by ever fewer, and by none in the end, until the viewer returns", () =>
  atOnce(async (clock) => {
    let number = 0;
    const { recovery, told } = recovering(() => `session ${(number += 1)}`);
    for (let refusal = 1; refusal <= 4; refusal += 1) {
      recovery.failed("session_revoked");
      await clock.run(40_000);
      assert.equal(number, refusal);
    }
    assert.deepEqual(clock.waits.filter((wait) => wait !== 25_000).map((wait) => [1000, 5000, 30_000].findLast((least) => wait >= least && wait <= least * 1.25)), [1000, 5000, 30_000]);
    recovery.failed("token_invalid");
    recovery.failed("token_invalid");
    await clock.run(600_000);
    assert.deepEqual([number, told], [4, [["gave up"]]]);
    page.dispatchEvent(new Event("online"));
    await clock.run(1000);
    assert.equal(number, 5);
    recovery.stop();
    page.dispatchEvent(new Event("online"));
    recovery.failed("token_expired");
    await clock.run(600_000);
    assert.equal(number, 5);
  }));

test("a session that works, or one that the host sets, starts the count anew; other errors ask for none", () =>
  atOnce(async (clock) => {
    let number = 0;
    const { recovery, told } = recovering(() => `session ${(number += 1)}`);
    for (let turn = 0; turn < 10; turn += 1) {
      recovery.failed("token_expired");
      await clock.run(40_000);
      recovery.works();
    }
    for (const code of ["network", "http_502", "dimension_not_allowed", undefined]) recovery.failed(code);
    await clock.run(40_000);
    assert.deepEqual([number, told], [10, []]);
    recovery.stop();
  }));

test("the session that was refused, brought once more, counts as refused though nobody says so", () =>
  atOnce(async (clock) => {
    let asked = 0;
    const { recovery, told } = recovering(() => {
      asked += 1;
      return "first";
    });
    recovery.failed("session_revoked");
    await clock.run(200_000);
    assert.deepEqual([asked, told], [4, [["gave up"]]]);
    recovery.stop();
  }));

test("who was sent away with many others does not come back together with them", () =>
  atOnce(async (clock) => {
    const failing = new core.Renewal({ fetch: () => Promise.reject(new Error("away")), adopt: () => undefined, failed: () => undefined, random: () => 0.999 });
    void failing.request();
    await clock.run(30_000);
    failing.stop();
    const [first, second] = clock.waits.filter((wait) => wait !== 25_000);
    assert.ok(first > 1200 && first < 1250 && second > 4900 && second < 5000, `${first} ${second}`);
  }));

/** A server that answers with `status` where that is set, and otherwise for the customer of the token. */
async function serve() {
  const state = { status: 0, asked: [], hold: null };
  const running = createServer((request, response) => {
    request.resume().on("end", async () => {
      state.asked.push(`${request.method} ${request.url}`);
      const { tenant, jti } = core.claimsOf(request.headers.authorization.slice(7));
      if (state.hold) await state.hold;
      const answer = (status, body) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body));
      };
      if (request.url.startsWith("/v1/embed/view") && state.status === 0 && jti !== state.refused) answer(404, { code: "not_found", error: "No such route." });
      else if (state.status === -1) response.destroy();
      else if (jti === state.refused) answer(401, { code: "session_revoked", error: "Withdrawn." });
      else if (request.url.startsWith("/v1/embed/vocabulary")) answer(200, { events: ["api.call"] });
      else if (state.status > 0) answer(state.status, { code: "unavailable", error: "Away." });
      else if (request.url.startsWith("/v1/embed/dashboard")) answer(200, config(tenant));
      else answer(200, { results: { a: { columns: [{ name: "value", type: "number", role: "measure" }], rows: [{ value: tenant.length }], previous: null, meta: meta() } } });
    });
  });
  await new Promise((resolve) => running.listen(0, "127.0.0.1", resolve));
  running.unref();
  running.on("connection", (socket) => socket.unref());
  return Object.assign(state, {
    host: `http://127.0.0.1:${running.address().port}`,
    close: () => {
      running.closeAllConnections();
      return new Promise((resolve) => running.close(resolve));
    },
  });
}

const config = (tenant) => ({
  id: "dash_1", slug: "usage", name: "Usage", layout: {}, filters: [{ id: "p", type: "period", default: "30d" }], permissions: {}, session: { tenant_id: tenant },
  widgets: [{ id: "a", title: "a", kind: "kpi", chart: "stat", position: { x: 0, y: 0, w: 3, h: 2 }, query: { metric: "count" } }],
});

async function until(condition) {
  for (let turn = 0; turn < 3000 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

async function opened() {
  const server = await serve();
  const events = [];
  const controller = new core.DashboardController({ host: server.host }, (event) => events.push(event));
  const settled = () => events.filter((event) => event.type === "settled").length;
  controller.setToken(token("acme"));
  await until(() => settled() === 1);
  return { server, events, controller, settled, errors: () => events.filter((event) => event.type === "error").map((event) => event.code) };
}

for (const [status, code] of [[503, "unavailable"], [-1, "network"]]) {
  test(`a renewed session that cannot be used just now (${code}) leaves what is shown, and is tried again`, async () => {
    const { server, controller, settled, errors } = await opened();
    controller.dispatch({ type: "period", period: "7d" });
    await until(() => settled() === 2);
    server.status = status;
    controller.setToken(token("acme", 2));
    await until(() => errors().length > 0);
    assert.deepEqual([controller.phase, controller.widget("a").result.rows[0].value, errors()], ["ready", 4, [code]]);
    server.status = 0;
    await until(() => settled() === 3);
    assert.deepEqual([controller.phase, controller.state.period, errors()], ["ready", "7d", [code]], "told once, and nothing lost");
    controller.destroy();
    await server.close();
  });
}

test("a renewed session that turns out to be refused ends what is shown", async () => {
  const { server, controller, errors } = await opened();
  server.status = 503;
  controller.setToken(token("acme", 2));
  await until(() => errors().length > 0);
  server.status = 401;
  controller.checkExpiry();
  await until(() => controller.phase === "failed");
  controller.destroy();
  await server.close();
});

test("with another customer's session, or none, nothing of the former is left, before any answer comes", async () => {
  for (const next of [token("globex"), ""]) {
    const { server, events, controller } = await opened();
    let release;
    server.hold = new Promise((resolve) => (release = resolve));
    events.length = 0;
    controller.setToken(next);
    assert.deepEqual([controller.config, controller.published, controller.widgets.size, controller.phase], [null, null, 0, next === "" ? "idle" : "loading"]);
    assert.deepEqual([...new Set(events.map(({ type }) => type))], ["phase", "state", "forgotten"]);
    release();
    if (next !== "") {
      await until(() => controller.widget("a").status === "ok");
      assert.deepEqual([controller.config.session.tenant_id, controller.widget("a").result.rows[0].value], ["globex", 6]);
    } else {
      const asked = server.asked.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(server.asked.length, asked, "without a session nothing is asked for");
    }
    controller.destroy();
    await server.close();
  }
});

test("tokens say whose they are, or nothing at all", () => {
  assert.equal(core.isOtherCustomer(token("acme"), token("globex")), true);
  assert.equal(core.isOtherCustomer(token("acme"), token("acme", 2)), false);
  assert.equal(core.isOtherCustomer(jwt({ org: "org_1", env: "development", tenant: "acme" }), token("acme")), true);
  assert.equal(core.isOtherCustomer(jwt({ org: "org_1", tenant: "acme", sub: "u1" }), jwt({ org: "org_1", tenant: "acme", sub: "u2" })), true, "another user");
  assert.equal(core.isOtherCustomer(jwt({ org: "org_1", tenant: "acme", sub: "u1" }), jwt({ org: "org_1", tenant: "acme", sub: "u1" })), false);
  for (const strange of ["", "x", "a.b.c", jwt([1]), jwt(null), jwt({ tenant: 5 })]) assert.equal(core.isOtherCustomer(strange, token("acme")), false);
});

test("a widget that may have been added is not added once more", async () => {
  const server = await serve();
  server.status = -1;
  const client = new core.EmbedClient({ host: server.host, token: token("acme"), retryDelay: 1 });
  await assert.rejects(client.addWidget({ title: "t", kind: "kpi", chart: "stat" }), { code: "network" });
  assert.deepEqual(server.asked, ["POST /v1/embed/own-widgets"]);
  await assert.rejects(client.vocabulary(), { code: "network" });
  assert.equal(server.asked.length, 3, "what only reads is repeated");
  await server.close();
});

test("what one viewer has asked for is nothing to the next, and is never asked in their name", async () => {
  const { server, controller, errors } = await opened();
  let release;
  server.hold = new Promise((resolve) => (release = resolve));
  const asked = [controller.saveLayout({ a: { x: 1, y: 1, w: 2, h: 2 } }), controller.vocabulary(), controller.exportFile("a", "csv")];
  const outcomes = Promise.all(asked.map((one) => one.then(() => "done", (error) => error.name)));
  // Refused, for the former one: that is no refusal of the present session.
  controller.setToken(token("globex"));
  server.status = 401;
  release();
  assert.deepEqual(await outcomes, ["AbortError", "AbortError", "AbortError"]);
  server.status = 0;
  controller.reload();
  await until(() => controller.widget("a").status === "ok");
  assert.deepEqual([controller.config.widgets[0].position, controller.config.session.tenant_id], [{ x: 0, y: 0, w: 3, h: 2 }, "globex"]);
  assert.ok(errors().every((code) => code !== "session_revoked"), errors());
  controller.destroy();
  await server.close();
});

test("a request that began with one session is not repeated with another", async () => {
  const server = await serve();
  const seen = [];
  const client = new core.EmbedClient({
    host: server.host, token: token("acme"), retryDelay: 1,
    fetch: async (_url, { headers }) => {
      seen.push(core.claimsOf(headers.Authorization.slice(7)).tenant);
      client.token = token("globex");
      throw new TypeError("away");
    },
  });
  await assert.rejects(client.saveLayout({}), { code: "network" });
  assert.deepEqual(seen, ["acme", "acme"]);
  await server.close();
});

test("a question that an earlier session of the same viewer is refused is asked once more with the present one", async () => {
  const { server, controller, errors, settled } = await opened();
  let release;
  server.hold = new Promise((resolve) => (release = resolve));
  const answer = controller.vocabulary();
  await until(() => server.asked.some((line) => line.includes("vocabulary")));
  server.refused = "ses_1";
  controller.setToken(token("acme", 2));
  release();
  assert.deepEqual((await answer).events, ["api.call"]);
  await until(() => settled() === 2);
  assert.deepEqual([controller.phase, errors()], ["ready", []]);
  controller.destroy();
  await server.close();
});
