// What the console decides without a page: places, changes, charts and texts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import * as core from "../../.build/web-tests/core.mjs";
import * as admin from "../../.build/web-tests/admin.mjs";

const events = [
  {
    event_name: "api.call", count: 1000, first_seen: "", last_seen: "", tenants: 2, sampled: 1000,
    dimensions: [{ name: "request", events: 1000, cardinality: 990, top_values: [] }, { name: "model", events: 1000, cardinality: 4, top_values: [] }, { name: "region", events: 900, cardinality: 3, top_values: [] }],
    numeric_properties: [{ name: "tokens", events: 1000, min: 0, max: 10, avg: 5, p50: 5, p95: 9 }],
  },
];
const look = (kind, chart) => admin.looks.find((one) => one.kind === kind && one.chart === chart);
const box = (x, y, w, h) => ({ x, y, w, h });
const widget = (id, position, more = {}) => ({ id, title: id, kind: "kpi", chart: "stat", position, query: { metric: "count" }, ...more });

test("the gallery holds all 21 charts, each with a name, a hint, a picture and a face of the viewer", () => {
  assert.equal(admin.looks.length, 21);
  for (const one of admin.looks) {
    const key = `${one.kind}/${one.chart}`;
    assert.ok(admin.words.charts.names[key] && admin.words.charts.hints[key], key);
    assert.notEqual(core.faceOf(admin.sampleWidget(one)), "unknown", key);
    if (one.kind !== "text") assert.ok(admin.sample(one).rows.length > 0, key);
  }
});

test("a new widget groups by a property with a few values, not by one that differs in every event", () => {
  assert.equal(admin.starter(look("breakdown", "donut"), "w_1", events).query.group_by, "model");
  const pivot = admin.starter(look("table", "pivot"), "w_1", events).query;
  assert.notEqual(pivot.group_by, pivot.group_by_2);
});

test("without any events a new widget still is a whole question", () => {
  for (const one of admin.looks) {
    const made = admin.starter(one, "w_1", []);
    if (one.kind === "text") assert.equal(made.query, undefined);
    else assert.ok(made.query.metric && (!one.grouped || made.query.group_by) && (!one.doubled || made.query.second_metric), `${one.kind}/${one.chart}`);
  }
});

test("every chart can become every other, and keeps nothing that it does not take", () => {
  for (const from of admin.looks) {
    for (const to of admin.looks) {
      const made = admin.adapt(admin.starter(from, "w_1", events), to, events);
      const { query } = made;
      const name = `${from.kind}/${from.chart} → ${to.kind}/${to.chart}`;
      assert.equal(`${made.kind}/${made.chart}`, `${to.kind}/${to.chart}`);
      if (to.kind === "text") {
        assert.equal(query, undefined, name);
        continue;
      }
      assert.equal(Boolean(query.group_by_2), to.chart === "pivot", name);
      if (to.kind === "kpi" || to.kind === "heatmap") assert.equal(query.group_by, undefined, name);
      if (to.kind === "breakdown" || to.kind === "table") assert.ok(query.group_by, name);
      if (to.chart === "dual_axis" || to.chart === "scatter") assert.ok(query.second_metric, name);
      if (to.kind === "timeseries" && query.second_metric) assert.equal(query.group_by, undefined, name);
      if (to.kind === "heatmap" || to.chart === "pivot") assert.equal(query.compare, undefined, name);
      assert.equal(made.options?.markdown, undefined, name);
    }
  }
});

test("what is changed by hand stays when the chart changes", () => {
  const before = { ...widget("w_1", box(0, 0, 6, 4)), kind: "breakdown", chart: "bar", query: { event_name: "api.call", metric: "sum", numeric_prop: "tokens", group_by: "region", limit: 7, period: "7d" } };
  const after = admin.adapt(before, look("breakdown", "donut"), events);
  assert.deepEqual(after.query, before.query);
  assert.deepEqual(after.position, before.position);
});

test("a new widget takes the first place where it fits, and moves nobody", () => {
  const widgets = [widget("a", box(0, 0, 3, 2)), widget("b", box(6, 0, 6, 2)), widget("c", box(0, 2, 12, 1))];
  assert.deepEqual(admin.freePlace(widgets, 3, 2), box(3, 0, 3, 2));
  assert.deepEqual(admin.freePlace(widgets, 4, 2), box(0, 3, 4, 2));
  assert.deepEqual(admin.freePlace([], 6, 4), box(0, 0, 6, 4));
});

test("ids are not given twice", () => {
  assert.equal(admin.freeId("w_", [{ id: "w_2" }]), "w_3");
  assert.equal(admin.freeId("w_", [{ id: "a" }, { id: "w_3" }]), "w_4");
});

test("a publication's changes are told apart: added, removed, moved, changed, and of the dashboard", () => {
  const live = { name: "A", theme: { primaryColor: "#111" }, widgets: [widget("stays", box(0, 0, 3, 2)), widget("moves", box(3, 0, 3, 2)), widget("changes", box(6, 0, 3, 2)), widget("goes", box(9, 0, 3, 2))] };
  const draft = { name: "A", widgets: [widget("stays", box(0, 0, 3, 2)), widget("moves", box(3, 2, 3, 2)), { ...widget("changes", box(6, 0, 4, 2)), title: "New" }, widget("comes", box(9, 0, 3, 2))] };
  const { widgets, parts, count } = admin.diff(live, draft);
  assert.deepEqual(Object.fromEntries(widgets.map(({ id, kind }) => [id, kind])), { moves: "moved", changes: "changed", comes: "added", goes: "removed" });
  assert.deepEqual(widgets.find(({ id }) => id === "changes").fields, ["title", "position"]);
  assert.deepEqual(parts, ["theme"]);
  assert.equal(count, 5);
});

test("what the server adds or leaves out is no change", () => {
  const live = { name: "A", description: "", filters: [], layout: { columns: 12, row_height: 80 }, live: false, widgets: [{ ...widget("a", box(0, 0, 3, 2)), options: {}, query: { metric: "count", filters: [] } }] };
  assert.equal(admin.diff(live, { name: "A", widgets: [widget("a", { h: 2, w: 3, y: 0, x: 0 })] }).count, 0);
});

test("SQL is put on lines by its clauses, and what stands in texts, comments and brackets is left alone", () => {
  assert.equal(
    admin.formatSQL("select event_name, count() as c from events where tenant_id = 'from x' and ts >= now() - 1 group by event_name order by c desc limit 10"),
    "SELECT event_name, count() AS c\nFROM events\nWHERE tenant_id = 'from x'\n  AND ts >= now() - 1\nGROUP BY event_name\nORDER BY c DESC\nLIMIT 10",
  );
  assert.equal(admin.formatSQL("select a from (select a from b where c in (1,2))"), "SELECT a\nFROM (SELECT a FROM b WHERE c IN (1, 2))");
  assert.equal(admin.formatSQL("-- select\nselect 1"), "-- select\nSELECT 1");
});

test("formatting twice is formatting once, and loses no character but spaces and capitals", () => {
  for (const sql of ["select `a b`, x::Nullable(Float64), map['k'] from t where a != 'it''s' or b <= -1", "with q as (select 1) select * from q union all select 2"]) {
    const once = admin.formatSQL(sql);
    assert.equal(admin.formatSQL(once), once);
    assert.equal(once.replace(/\s+/g, "").toLowerCase(), sql.replace(/\s+/g, "").toLowerCase());
  }
});

test("a widget is written as SQL with the server's names, and its values are quoted", () => {
  const named = (name) => (name === "string_props.model" ? "string_props.model" : admin.identifier(name));
  const asked = { ...widget("w", box(0, 0, 6, 4)), kind: "breakdown", chart: "bar", query: { event_name: "it's", metric: "p95", numeric_prop: "latency-ms", group_by: "model", period: "7d", filters: [{ dimension: "model", op: "not_in", values: ["a\\b"] }, { property: "tokens", op: "between", values: [1, 2] }] } };
  assert.equal(
    admin.sqlOf(asked, named),
    [
      "SELECT string_props.model AS value_of, quantileExactInclusive(0.95)(`numeric_props.latency-ms`) AS result", "FROM events",
      "WHERE event_name = 'it\\'s'", "  AND timestamp >= now() - INTERVAL 7 DAY", "  AND string_props.model NOT IN ('a\\\\b')", "  AND numeric_props.tokens BETWEEN 1 AND 2",
      "GROUP BY value_of", "ORDER BY result DESC", "LIMIT 10",
    ].join("\n"),
  );
});

test("CSV is quoted, and runs nothing in a spreadsheet", () => {
  assert.equal(admin.csvOf(["a", "b"], [['x"y', 1], ["=1+1", null], ["a,b", -2]]), 'a,b\r\n"x""y",1\r\n\'=1+1,\r\n"a,b",-2');
});

test("the first event can be run as it stands in three languages", () => {
  assert.match(admin.snippet("curl", "https://e.example", "eb_adm_1"), /Bearer eb_adm_1/);
  assert.match(admin.snippet("curl", "https://e.example", null), /\$EMBAN_API_KEY/);
  assert.match(admin.snippet("node", "https://e.example", null), /process\.env\.EMBAN_API_KEY/);
  assert.match(admin.snippet("python", "https://e.example", null), /^import os/);
});

test("formatting keeps the tokens of SQL as they are: numbers whole, functions and columns as they are written", () => {
  const statements = [
    "select any(user_id), left(a,2) as offset, end from events where a>=1e3 and b between 1 and 100 limit 10000 offset 20",
    "select arrayMap(x -> x+1, [1,-2]), 0x1F, t.1, -1, a - -1, 1.5e-3, 1_000, 'it''s' from t any left join b using (x) group by a with totals",
    "select case when a then 1 else -1 end as end, quantile(0.9)(x), x::Nullable(Float64) from t where not (a) and and(a,b) in (1,2)",
    'select "a""b", `x``y`, interval 1 day, a || b, a <=> b, a[1], [1] from events -- from x\norder by ts desc limit 1 by a settings max_threads = 1',
  ];
  for (const sql of statements) {
    const once = admin.formatSQL(sql);
    assert.equal(admin.formatSQL(once), once);
    assert.deepEqual(admin.sqlTokens(once).map(({ text }) => text.toLowerCase()), admin.sqlTokens(sql).map(({ text }) => text.toLowerCase()), once);
  }
  assert.equal(admin.formatSQL(statements[0]), "SELECT any(user_id), left(a, 2) AS offset, end\nFROM events\nWHERE a >= 1e3\n  AND b BETWEEN 1 AND 100\nLIMIT 10000 OFFSET 20");
  assert.equal(admin.formatSQL("select arrayMap(x -> x+1, [1,-2]) from t"), "SELECT arrayMap(x -> x + 1, [1, -2])\nFROM t");
  assert.equal(admin.formatSQL("select 'from x"), "select 'from x");
});

test("a typed number is that number or none: thousands are neither dropped nor taken for decimals", () => {
  for (const [typed, number] of [["400", 400], [" -2 ", -2], ["0,5", 0.5], ["0.125", 0.125], ["1.25", 1.25], ["", undefined]]) assert.equal(admin.numberOf(typed), number, typed);
  for (const typed of ["1,000", "1.000", "1.000,5", "1,000.5", "12a", "1e3", "0x10", "-", "1 000", "Infinity"]) assert.equal(admin.numberOf(typed), null, typed);
  for (const [typed, number] of [["400", 400], [" 1000 ", 1000], ["", undefined]]) assert.equal(admin.wholeOf(typed), number, typed);
  for (const typed of ["1,000", "1.000", "1.5", "-1", "12a", "99999999999999999999"]) assert.equal(admin.wholeOf(typed), null, typed);
});

test("events that came twice without an id have names of their own, which stay when others come", () => {
  const one = { tenant_id: "a", event_name: "e", timestamp: "2026-01-01T00:00:00Z", event_id: null, user_id: null, string_props: {}, numeric_props: {} };
  const other = { ...one, event_id: "x" };
  const [newer, older] = admin.keysOf([one, one]);
  assert.notEqual(newer, older);
  assert.deepEqual(admin.keysOf([other, one, one]), ["x", newer, older]);
});

test("days of an address are taken when they are days", () => {
  for (const day of ["2026-11-21", "2024-02-29"]) assert.equal(admin.isDay(day), true, day);
  for (const text of ["x", "", "20266-01-01", "2026-13-01", "2026-02-30", "0000-01-01", "9999-12-31"]) assert.equal(admin.isDay(text), false, text);
});

test("a list is read anew as far as it was read before", async () => {
  const pages = { null: { data: [1, 2], next_cursor: "b" }, b: { data: [3, 4], next_cursor: "c" }, c: { data: [5], next_cursor: null } };
  const read = async (cursor) => pages[String(cursor)];
  assert.deepEqual(await admin.pagesFrom(null, 0, read), { rows: [1, 2], cursor: "b" });
  assert.deepEqual(await admin.pagesFrom(null, 3, read), { rows: [1, 2, 3, 4], cursor: "c" });
  assert.deepEqual(await admin.pagesFrom("c", 9, read), { rows: [5], cursor: null });
});

test("what a browser has no room for is remembered while the page is open, and breaks nothing", () => {
  const held = { a: "1" };
  const room = Object.create({ getItem: (name) => held[name] ?? null, removeItem: (name) => delete held[name], setItem: () => { throw new Error("quota"); } });
  const full = admin.keptIn(() => room);
  full.set("b", "2");
  assert.equal(full.get("a"), "1");
  assert.equal(full.get("b"), "2");
  const refused = admin.keptIn(() => { throw new Error("refused"); });
  refused.set("x.a", "1");
  refused.set("y", "2");
  refused.forget("x.");
  assert.deepEqual([refused.get("x.a"), refused.get("y")], [null, "2"]);
});

test("the history of SQL keeps what there is room for, each statement once", () => {
  assert.deepEqual(admin.fitHistory("b", ["a", "b", "c"]), ["b", "a", "c"]);
  assert.equal(admin.fitHistory("x", Array.from({ length: 60 }, (_unused, index) => `s${index}`)).length, 30);
  assert.deepEqual(admin.fitHistory("x", ["y".repeat(60_000), "z".repeat(60_000), "short"]).map((one) => one[0]), ["x", "y"]);
});

test("every text that people read stands in the catalogue: none is written into a page", () => {
  // Examples of what is typed are the same in every language.
  const allowed = new Set(["acme", "model=gpt-4", "UTC", "https://", "{{context.userId}}"]);
  const found = [];
  for (const [file, source] of sources("../apps/admin/src", ".tsx")) {
    const text = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    // Between tags, and in the attributes that are read or heard.
    const pieces = [
      ...[...text.matchAll(/(?<=[\w"'}/]>)([^<>{}=;&|()]+)(?=<\/?[A-Za-z]|\{)/g)].map(([piece]) => piece),
      ...[...text.matchAll(/\b(?:label|title|text|hint|placeholder|alt|aria-label|aria-description)="([^"]+)"/g)].map(([, piece]) => piece),
    ];
    for (const piece of pieces.map((one) => one.trim())) if (/\p{L}{2}/u.test(piece) && !allowed.has(piece) && !piece.startsWith("extends ")) found.push(`${file}: ${piece}`);
  }
  assert.deepEqual(found, []);
});

test("no two words of the catalogue are missing, empty, or marked as unfinished", () => {
  const walk = (value, path) => {
    if (typeof value === "string") {
      assert.notEqual(value.trim(), "", path);
      assert.doesNotMatch(value, /todo|fixme|lorem|xxx/i, path);
    } else if (typeof value === "function") assert.equal(typeof value(...Array(value.length).fill("1")), "string", path);
    else for (const [key, one] of Object.entries(value)) walk(one, `${path}.${key}`);
  };
  walk(admin.words, "words");
});

test("names are completed where a word begins with what was typed, or its last part does", () => {
  const columns = [{ text: "events", note: "" }, { text: "event_name", note: "String" }, { text: "string_props.model", note: "String" }, { text: "string_props.`odd name`", note: "String" }];
  const texts = (word) => admin.complete(word, columns).map(({ text }) => text);
  assert.deepEqual(texts("mod"), ["string_props.model"]);
  assert.deepEqual(texts("odd"), ["string_props.`odd name`"]);
  assert.deepEqual(texts("EVENT"), ["events", "event_name"]);
  assert.ok(texts("sel").includes("SELECT") && texts("").length > 20);
});

test("a mistake is marked from where it begins to the end of its word", () => {
  assert.deepEqual(admin.wrongPart("  cout()", 2), [2, 6]);
  assert.deepEqual(admin.wrongPart("select `a b`", 7), [7, 12]);
  assert.deepEqual(admin.wrongPart("select", 6), [5, 6]);
  assert.deepEqual(admin.wrongPart("", 0), [0, 1]);
});

test("columns of one name are kept apart as JSON, and types are told in short", () => {
  assert.deepEqual(JSON.parse(admin.jsonOf(["count()", "count()"], [[1, 2]])), [{ "count()": 1, "count()_2": 2 }]);
  assert.equal(admin.plainType("LowCardinality(Nullable(String))"), "String");
  assert.equal(admin.plainType("DateTime64(3, 'UTC')"), "DateTime64");
  assert.equal(admin.plainType("Array(String)"), "Array(String)");
});

function sources(folder, ending) {
  const root = new URL(folder, import.meta.url);
  return readdirSync(root, { recursive: true }).map(String).filter((name) => name.endsWith(ending)).sort().map((name) => [name, readFileSync(new URL(`${folder}/${name}`, import.meta.url), "utf8")]);
}
