import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const { retryAfterOf, waitBefore } = await load("sdk-retry");
const { fromWire, toWire } = await load("sdk-names");

const policy = { retries: 4, delay: 250, maximumDelay: 15_000, patience: 60_000, random: () => 1 };

test("waits double up to the longest one, and end", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map((attempt) => waitBefore(policy, attempt, undefined)), [250, 500, 1000, 2000, null]);
  assert.equal(waitBefore({ ...policy, retries: 20 }, 19, undefined), 15_000);
  assert.equal(waitBefore({ ...policy, retries: 0 }, 0, undefined), null);
});

test("waits are uneven, at least half as long", () => {
  for (const random of [0, 0.25, 1]) {
    const wait = waitBefore({ ...policy, random: () => random }, 2, undefined);
    assert.ok(wait >= 500 && wait <= 1000, `${wait}`);
  }
});

test("a server is never asked sooner than it wants, and one that wants too much not again", () => {
  for (const random of [0, 0.5, 1]) {
    const wait = waitBefore({ ...policy, random: () => random }, 0, 7);
    assert.ok(wait >= 7000 && wait <= 8000, `${wait}`);
  }
  assert.equal(waitBefore(policy, 0, 61), null);
  assert.equal(waitBefore(policy, 0, 0), 250);
});

test("Retry-After holds seconds or a date", () => {
  const now = Date.parse("2026-11-21T08:00:00Z");
  assert.equal(retryAfterOf("3", now), 3);
  assert.equal(retryAfterOf("0.5", now), 0.5);
  assert.equal(retryAfterOf("Sat, 21 Nov 2026 08:00:30 GMT", now), 30);
  assert.equal(retryAfterOf("Sat, 21 Nov 2026 07:00:00 GMT", now), 0);
  for (const nothing of [null, "", "soon"]) assert.equal(retryAfterOf(nothing, now), undefined);
});

test("names become those of the wire, and those of the wire stay", () => {
  assert.deepEqual(toWire({ tenantId: 1, groupBy2: 2, group_by_2: 3, secondNumericProp: 4, period: 5, absent: undefined }), {
    tenant_id: 1, group_by_2: 3, second_numeric_prop: 4, period: 5,
  });
  assert.deepEqual(toWire({ lockedFilters: { planName: ["pro"] } }), { locked_filters: { planName: ["pro"] } });
  assert.deepEqual(fromWire({ session_id: 1, expires_at: 2, token: 3 }), { sessionId: 1, expiresAt: 2, token: 3 });
});
