import assert from "node:assert/strict";
import { test } from "node:test";
import { load, widget } from "./bundle.mjs";

const core = await load("core");
const say = (value, format = {}, room = "cell", locale = "en") => core.formatValue(value, format, locale, room);

test("numbers keep the digits that mean something", () => {
  assert.equal(say(1234567), "1,234,567");
  assert.equal(say(133081, {}, "headline"), "133,081");
  assert.equal(say(44_750_000, {}, "headline"), "44.75M");
  assert.equal(say(0), "0");
  assert.equal(say(3.14159), "3.14");
  assert.equal(say(0.01234), "0.012");
  assert.equal(say(12.3456, { decimals: 1 }), "12.3");
  assert.equal(say(1234.5, {}, "cell", "de"), "1.235");
  assert.equal(say(15, { unit: "requests" }), "15 requests");
});

test("what does not exist is a dash, never NaN or 0", () => {
  for (const value of [null, undefined, NaN, Infinity]) assert.equal(say(value), "–");
});

test("percent takes percent points, or a ratio when it says so", () => {
  assert.equal(say(12.5, { style: "percent" }), "12.5%");
  assert.equal(say(0.125, { style: "percent", unit: "ratio" }), "12.5%");
});

test("currency", () => {
  assert.equal(say(12.5, { style: "currency" }), "$12.50");
  assert.equal(say(1234.5, { style: "currency", unit: "EUR" }, "cell", "de"), "1.234,50\u00a0€");
  assert.equal(say(0.0042, { style: "currency" }), "$0.0042");
  assert.equal(say(2_500_000, { style: "currency" }, "headline"), "$2.5M");
  assert.equal(say(5, { style: "currency", unit: "not a code" }).includes("5"), true);
});

test("durations choose their unit", () => {
  assert.equal(say(264.2, { style: "duration", unit: "ms" }), "264 ms");
  assert.equal(say(1240, { style: "duration", unit: "ms" }), "1.24 s");
  assert.equal(say(1740, { style: "duration", unit: "ms", decimals: 0 }), "1.74 s");
  assert.equal(say(264.26, { style: "duration", unit: "ms", decimals: 1 }), "264.3 ms");
  assert.equal(say(200, { style: "duration", unit: "s" }), "3 min 20 s");
  assert.equal(say(7200, { style: "duration", unit: "s" }), "2 h");
  assert.equal(say(0, { style: "duration", unit: "ms" }), "0 ms");
  assert.equal(say(0.5, { style: "duration", unit: "ms" }), "500 µs");
  assert.deepEqual([1900, 19_000].map((value) => say(value, { style: "duration", unit: "ms" })), ["1.90 s", "19.0 s"]);
  assert.equal(say(30, { style: "duration", unit: "s" }), "30 s");
  assert.equal(say(5000, { style: "duration", unit: "ms" }, "axis"), "5 s");
});

test("bytes count in thousands", () => {
  assert.equal(say(999, { style: "bytes" }), "999 B");
  assert.equal(say(1536, { style: "bytes" }), "1.5 kB");
  assert.equal(say(2.5e9, { style: "bytes" }), "2.5 GB");
  assert.deepEqual([92e9, 920e9].map((value) => say(value, { style: "bytes" })), ["92.0 GB", "920 GB"]);
});

test("the property's name gives the unit away when the author set none", () => {
  const guess = (query) => core.formatOf(widget({ query }));
  assert.deepEqual(guess({ metric: "p95", numeric_prop: "latency_ms" }), { style: "duration", unit: "ms" });
  assert.deepEqual(guess({ metric: "sum", numeric_prop: "response_bytes" }), { style: "bytes" });
  assert.deepEqual(guess({ metric: "sum", numeric_prop: "cost_usd" }), { style: "currency", unit: "USD" });
  assert.deepEqual(guess({ metric: "count", numeric_prop: "latency_ms" }), { style: "number" });
});

test("shares and changes", () => {
  assert.equal(core.formatShare(0.4237, "en"), "42%");
  assert.equal(core.formatShare(0.0437, "en"), "4.4%");
  assert.deepEqual([0, 0.04, 0.0996, 0.1, 1].map((share) => core.formatShare(share, "en")), ["0%", "4.0%", "10%", "10%", "100%"]);
  assert.deepEqual([0, 0.01, 4, 9.97].map((percent) => core.formatChange(percent, "en")), ["0%", "0%", "4.0%", "10%"]);
  assert.equal(core.formatShare(0.0001, "en"), "<0.1%");
  assert.equal(core.formatShare(null, "en"), "–");
  assert.equal(core.formatChange(-12.34, "en"), "12%");
  assert.equal(core.formatChange(7.49, "en"), "7.5%");
});

test("names for people", () => {
  assert.equal(core.humanize("latency_ms"), "Latency ms");
  assert.equal(core.humanize("user_id"), "User ID");
  assert.equal(core.humanize("apiKey"), "API key");
  assert.equal(core.labelOf(""), "(none)");
});

test("a locale that the platform refuses falls back to English", () => {
  assert.equal(core.safeLocale("de-DE"), "de-DE");
  assert.equal(core.safeLocale("pt_BR"), "pt-BR");
  assert.equal(core.safeLocale("<script>"), "en");
  assert.equal(core.safeLocale(undefined), "en");
});

test("days chosen by the viewer become half-open instants of the session's zone, and back", () => {
  assert.deepEqual(core.fromDays("2026-11-01", "2026-11-03", "UTC"), { from: "2026-11-01T00:00:00Z", to: "2026-11-04T00:00:00Z" });
  const berlin = core.fromDays("2026-10-24", "2026-10-25", "Europe/Berlin");
  // The clocks go back in that night: the second day has 25 hours.
  assert.deepEqual(berlin, { from: "2026-10-23T22:00:00Z", to: "2026-10-25T23:00:00Z" });
  assert.deepEqual(core.toDays(berlin, "Europe/Berlin"), { from: "2026-10-24", to: "2026-10-25" });
  const kathmandu = core.fromDays("2026-01-01", "2026-01-01", "Asia/Kathmandu");
  assert.deepEqual(kathmandu, { from: "2025-12-31T18:15:00Z", to: "2026-01-01T18:15:00Z" });
  assert.equal(core.daysBetween("2026-11-01", "2026-11-03"), 3);
});

test("bucket labels follow granularity and zone", () => {
  const utc = { locale: "en", timezone: "UTC" };
  assert.equal(core.axisTime("2026-11-05T00:00:00Z", "day", utc), "Nov 5");
  assert.equal(core.axisTime("2026-11-05T14:00:00Z", "hour", utc), "14:00");
  assert.equal(core.axisTime("2026-11-05T00:00:00Z", "hour", utc), "Nov 5");
  assert.equal(core.axisTime("2026-11-05T00:00:00Z", "hour", { locale: "en", timezone: "Asia/Tokyo" }), "09:00");
  assert.equal(core.bucketTime("2026-11-02T00:00:00Z", "week", utc), "Nov 2 – Nov 8, 2026");
});
