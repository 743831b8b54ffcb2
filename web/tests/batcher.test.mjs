// The background batcher of @emban/sdk, with a server that the test holds in its hands.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { EmbanClient } = await load("sdk-batcher");

const event = (more = {}) => ({ tenantId: "acme", eventName: "api.call", ...more });

/** A client whose requests `answer(events, number)` answers: with a status and a body, or by throwing as a network does. */
function world(answer = () => [200, null]) {
  const requests = [];
  const fetch = async (_url, { body, signal }) => {
    const { events } = JSON.parse(body);
    requests.push(events);
    const [status, given] = await answer(events, requests.length - 1, signal);
    const whole = given ?? { accepted: events.length, status: "ok" };
    return new Response(JSON.stringify(whole), { status });
  };
  const client = new EmbanClient({ host: "https://emban.example", apiKey: "eb_ing_test", retries: 0, fetch });
  return { client, requests, sent: () => requests.flat().map((one) => one.user_id) };
}

const away = () => Promise.reject(new TypeError("fetch failed"));

async function until(condition) {
  for (let turn = 0; turn < 12000 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition());
}

/** Runs `body` while what would be written to the console is kept. */
async function quietly(body) {
  const written = [];
  const real = console.error;
  console.error = (...words) => written.push(words.map(String).join(" "));
  try {
    await body();
  } finally {
    console.error = real;
  }
  return written;
}

test("listeners that throw, or reject, cost no event and are told of", async () => {
  for (const fail of [() => { throw new Error("mine"); }, () => Promise.reject(new Error("mine"))]) {
    const partial = (events) => [200, { accepted: events.length - 1, rejected: 1, status: "partial", errors: [{ index: 0, code: "timestamp_format" }] }];
    const { client, sent } = world((events, number) => (number === 0 ? partial(events) : [200, null]));
    const written = await quietly(async () => {
      const batcher = client.batcher({ flushAt: 2, onRejected: fail, onError: fail });
      for (let number = 0; number < 2; number += 1) batcher.add(event({ userId: `a${number}` }));
      for (let number = 0; number < 3; number += 1) batcher.add(event({ userId: `b${number}` }));
      await batcher.close();
    });
    assert.deepEqual(sent(), ["a0", "a1", "b0", "b1", "b2"]);
    assert.equal(written.length, 1);
    assert.match(written[0], /mine/);
  }
});

test("an event that JSON cannot hold is named, and the others are sent", async () => {
  const circle = {};
  circle.self = circle;
  const { client, sent } = world();
  const rejected = [];
  const batcher = client.batcher({ onRejected: (all) => rejected.push(...all.map(({ code, event: { user_id } }) => [code, user_id])) });
  for (let number = 0; number < 1000; number += 1) batcher.add(event({ userId: `u${number}`, ...(number === 3 && { numericProps: { tokens: 5n } }), ...(number === 5 && { circle }) }));
  await batcher.close();
  assert.deepEqual(rejected, [["event_not_json", "u3"], ["event_not_json", "u5"]]);
  assert.equal(sent().length, 998);
  const result = await client.ingest([event(), event({ circle })]);
  assert.deepEqual([result.accepted, result.rejected, result.errors[0].index, result.errors[0].code], [1, 1, 1, "event_not_json"]);
});

test("events have the time, and the properties, of the moment at which they were added", async () => {
  let isAway = true;
  const { client, requests } = world(() => (isAway ? away() : [200, null]));
  const batcher = client.batcher({ flushInterval: 10, onError: () => undefined });
  const numericProps = { tokens: 1 };
  const before = Date.now();
  batcher.add(event({ numericProps }));
  batcher.add(event({ timestamp: "2026-04-14T10:00:00Z" }));
  const after = Date.now();
  numericProps.tokens = 2;
  await until(() => requests.length >= 2);
  isAway = false;
  await batcher.close();
  const [own, given] = requests.at(-1);
  const time = Date.parse(own.timestamp);
  assert.ok(time >= before && time <= after, own.timestamp);
  assert.deepEqual(own.numeric_props, { tokens: 1 });
  assert.equal(given.timestamp, "2026-04-14T10:00:00Z");
  assert.deepEqual(requests[0], requests.at(-1), "each try sends the same");
});

test("a server that is away is told of once for each attempt, however many events come meanwhile", async () => {
  let release;
  const { client, requests } = world((_events, number) => (number > 0 ? [200, null] : new Promise((_resolve, reject) => (release = () => reject(new TypeError("fetch failed"))))));
  const errors = [];
  const batcher = client.batcher({ flushAt: 5, maximumQueue: 50, flushInterval: 600_000, onError: (error, lost) => errors.push([error.code, lost.length]) });
  for (let number = 0; number < 40; number += 1) batcher.add(event());
  await until(() => release);
  release();
  await until(() => errors.length > 0);
  for (let number = 0; number < 40; number += 1) assert.equal(batcher.add(event()), number < 10);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(errors, [["network", 0], ["queue_full", 1]]);
  assert.equal(requests.length, 1, "the next attempt comes in its time, not with the next event");
  await batcher.close();
  assert.equal(requests.flat().length - requests[0].length, 50);
});

test("of a request that failed beside an event that is too large nothing is lost and nothing is sent twice", async () => {
  let isAway = true;
  const { client, sent } = world(() => (isAway ? away() : [200, null]));
  const rejected = [];
  const batcher = client.batcher({ flushInterval: 600_000, onError: () => undefined, onRejected: (all) => rejected.push(...all.map(({ code, event: { user_id } }) => [code, user_id])) });
  for (const userId of ["a", "b", "huge", "c"]) batcher.add(event({ userId, ...(userId === "huge" && { stringProps: { text: "x".repeat(9_000_000) } }) }));
  await assert.rejects(batcher.flush(), { code: "network" });
  assert.equal(batcher.size, 3);
  isAway = false;
  await batcher.close();
  assert.deepEqual(sent().slice(-3), ["a", "b", "c"]);
  assert.deepEqual(rejected, [["event_too_large", "huge"]]);
});

test("closing takes no longer than it may, hands back what was not sent, and may be asked for twice", async () => {
  const { client } = world((_events, _number, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))));
  const lost = [];
  const batcher = client.batcher({ onError: (error, events) => lost.push([error.code, events.length]) });
  for (let number = 0; number < 1500; number += 1) batcher.add(event());
  const closing = batcher.close({ timeout: 50 });
  assert.equal(batcher.close(), closing);
  await assert.rejects(closing, { code: "timeout" });
  assert.deepEqual(lost, [["timeout", 1500]]);
  assert.equal(batcher.size, 0);
  assert.throws(() => batcher.add(event()), { code: "closed" });
});

test("an interval is as long as it was asked for", async () => {
  const { client } = world();
  const waits = [];
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (action, wait, ...more) => {
    waits.push(wait);
    return real(action, wait, ...more);
  };
  try {
    const batcher = client.batcher({ flushInterval: 600_000 });
    batcher.add(event());
    assert.deepEqual(waits, [600_000]);
    await batcher.close();
  } finally {
    globalThis.setTimeout = real;
  }
});
