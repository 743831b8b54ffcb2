// What the builder decides without a page: what is asked and when, what is kept and compared, steps of undo, conditions, places, and what a combo takes.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as admin from "../../.build/web-tests/admin.mjs";

const box = (x, y, w, h) => ({ x, y, w, h });
const widget = (id, position, more = {}) => ({ id, title: id, kind: "kpi", chart: "stat", position, query: { metric: "count" }, ...more });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Answers that come when they are let go. */
function held() {
  const asked = [];
  const open = new Map();
  const ask = (question, signal) => {
    asked.push(question);
    return new Promise((resolve, reject) => {
      open.set(question, { resolve, reject });
      signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    });
  };
  const settle = async (question, how = "resolve") => {
    open.get(question)[how](new Error(question));
    await turn();
  };
  return { asked, ask, settle };
}

test("a question that comes while four others are on their way is asked when one of them is answered", async () => {
  const { asked, ask, settle } = held();
  const questions = new admin.Questions(4, ask);
  questions.want(["A", "B", "C", "D"]);
  questions.want(["A", "B", "C", "D", "E"]);
  assert.deepEqual(asked, ["A", "B", "C", "D"]);
  await settle("A");
  assert.deepEqual(asked, ["A", "B", "C", "D", "E"]);
  for (const question of ["B", "C", "D", "E"]) await settle(question);
  assert.equal(asked.length, 5);
});

test("what is not wanted any more is given up, or never asked; what is wanted twice is asked once", async () => {
  const { asked, ask, settle } = held();
  const questions = new admin.Questions(2, ask);
  questions.want(["A", "A", "B", "C", "D"]);
  questions.want(["B", "D", "E"]);
  await turn();
  assert.deepEqual(asked, ["A", "B", "D"]);
  await settle("B");
  await settle("D", "reject");
  assert.deepEqual(asked, ["A", "B", "D", "E"]);
  questions.want([]);
  questions.want(["E"]);
  assert.deepEqual(asked, ["A", "B", "D", "E", "E"]);
});

test("the preview asks a few at a time, in order, and not at all what was given up meanwhile", async () => {
  const { asked, ask, settle } = held();
  const inTurn = admin.inTurns(2);
  const abort = new AbortController();
  const runs = ["A", "B", "C", "D"].map((name) => inTurn(() => ask(name), name === "C" ? abort.signal : undefined).then(() => name, (error) => error.name));
  assert.deepEqual(asked, ["A", "B"]);
  abort.abort();
  await settle("A");
  assert.deepEqual(asked, ["A", "B", "D"]);
  await settle("B", "reject");
  await settle("D");
  assert.deepEqual(await Promise.all(runs), ["A", "Error", "AbortError", "D"]);
  await Promise.all([inTurn(async () => "E"), inTurn(async () => "F")]);
});

test("an earlier answer stays for a new question of the same form, but never for another customer or environment", () => {
  const asked = widget("w", box(0, 0, 3, 2), { query: { metric: "count", period: "7d" } });
  const form = admin.formOf(asked, "acme", "production");
  assert.equal(admin.formOf({ ...asked, query: { metric: "sum", numeric_prop: "tokens" } }, "acme", "production"), form);
  assert.notEqual(admin.formOf(asked, "globex", "production"), form);
  assert.notEqual(admin.formOf(asked, "acme", "development"), form);
  assert.notEqual(admin.formOf({ ...asked, chart: "gauge" }, "acme", "production"), form);
});

// --- What is not saved --------------------------------------------------------------------------------------------------

/** As `sessionStorage` and `localStorage` do it; with no room when it is full. */
function room(isFull = false) {
  const kept = new Map();
  return {
    kept, getItem: (key) => kept.get(key) ?? null, removeItem: (key) => void kept.delete(key),
    setItem: (key, value) => {
      if (isFull) throw new DOMException("", "QuotaExceededError");
      kept.set(key, value);
    },
  };
}

const mine = { name: "A", widgets: [widget("w_1", box(0, 0, 3, 2), { title: "Mine" })] };
/** The same as the server writes it: members in order, and what was left out filled in. */
const answered = {
  description: "", filters: [], layout: { columns: 12, row_height: 80 }, live: false, name: "A", slug: "a", theme: {},
  widgets: [{ chart: "stat", id: "w_1", kind: "kpi", options: {}, position: { h: 2, w: 3, x: 0, y: 0 }, query: { metric: "count", period: "30d" }, title: "Mine" }],
};

test("a draft is the same as what the server makes of it", () => {
  assert.ok(admin.isSame(mine, answered));
  assert.ok(admin.isSame({ ...mine, widgets: [{ ...mine.widgets[0], query: { metric: "count", order: "desc", other: false } }] }, answered));
  assert.ok(admin.isSame({ ...mine, slug: "a" }, answered));
  assert.ok(!admin.isSame({ ...mine, slug: "b" }, answered));
  assert.ok(!admin.isSame({ ...mine, layout: { columns: 12, row_height: 60 } }, answered));
  assert.ok(!admin.isSame({ ...mine, widgets: [{ ...mine.widgets[0], title: "Theirs" }] }, answered));
  assert.ok(!admin.isSame({ ...mine, widgets: [{ ...mine.widgets[0], query: { metric: "count", order: "asc" } }] }, answered));
});

test("coming back after the last change has arrived is no conflict with oneself", () => {
  const [tab, browser] = [room(), room()];
  admin.placeIn("k", tab, browser).keep(mine, 4, true);
  assert.equal(browser.kept.size, 0);
  assert.equal(admin.placeIn("k", tab, browser).read(answered), null);
  assert.equal(tab.kept.size, 0);
});

test("what could not be saved outlives the tab, and is there again with the revision that it was made on", () => {
  const browser = room();
  assert.ok(admin.placeIn("k", room(), browser).keep(mine, 4));
  const place = admin.placeIn("k", room(), browser);
  assert.deepEqual(place.read({ ...answered, name: "B" }), { config: mine, revision: 4 });
  place.forget();
  assert.equal(browser.kept.size, 0);
});

test("one window does not remove what another one could not save", () => {
  const browser = room();
  const [one, other] = [admin.placeIn("k", room(), browser), admin.placeIn("k", room(), browser)];
  one.keep(mine, 4);
  other.forget();
  assert.equal(browser.kept.size, 1);
  one.forget();
  assert.equal(browser.kept.size, 0);
});

test("without room in the browser nothing is kept, and one is told so", () => {
  assert.equal(admin.placeIn("k", null, null).keep(mine, 1), false);
  assert.equal(admin.placeIn("k", room(true), room(true)).keep(mine, 1), false);
  assert.equal(admin.placeIn("k", null, null).read(answered), null);
});

test("what cannot be drawn is not taken up again", () => {
  const wrong = [
    null, [], {}, { name: 1 }, { name: "A", widgets: {} }, { name: "A", widgets: [{ id: "w_1", kind: "kpi" }] }, { name: "A", filters: "x" },
    { name: "A", widgets: [widget("w_1", undefined)] }, { name: "A", widgets: [widget("w_1", box(0, 0, 1, 1), { query: { metric: "count", filters: [{ dimension: "model", value: "gpt-4" }] } })] },
  ];
  for (const config of wrong) {
    assert.ok(!admin.isDraft(config), JSON.stringify(config));
    const browser = room();
    browser.setItem("k", JSON.stringify({ config, revision: 3 }));
    assert.equal(admin.placeIn("k", room(), browser).read(answered), null);
    assert.equal(browser.kept.size, 0);
  }
  assert.ok(admin.isDraft(mine) && admin.isDraft(answered) && admin.isDraft({ name: "A" }));
  const broken = room();
  broken.setItem("k", "{");
  assert.equal(admin.placeIn("k", null, broken).read(answered), null);
});

// --- Undo ---------------------------------------------------------------------------------------------------------------

test("edits of one field in a row are one step of undo; after a pause, or of another field, they are several", () => {
  const names = (history) => [history.past.map(({ name }) => name), history.config.name, history.future.map(({ name }) => name)];
  let history = admin.begun({ name: "" });
  for (const [name, key, at] of [["a", "name", 0], ["ab", "name", 1000], ["abc", "name", 2000], ["abcd", "name", 9000], ["x", null, 9001], ["y", null, 9002]]) history = admin.edited(history, { name }, key, at);
  assert.deepEqual(names(history), [["", "abc", "abcd", "x"], "y", []]);
  history = admin.undone(admin.undone(history));
  assert.deepEqual(names(history), [["", "abc"], "abcd", ["x", "y"]]);
  assert.deepEqual(names(admin.redone(history)), [["", "abc", "abcd"], "x", ["y"]]);
  // What is typed after an undo goes on from there, as a step of its own.
  assert.deepEqual(names(admin.edited(history, { name: "z" }, "name", 9003)), [["", "abc", "abcd"], "z", []]);
});

test("an edit that changes nothing is no step, and there is nothing before the first", () => {
  const history = admin.begun({ name: "a" });
  assert.equal(admin.edited(history, { name: "a" }, null, 1), history);
  assert.equal(admin.undone(history), history);
  assert.equal(admin.redone(history), history);
});

// --- Conditions, places, ids --------------------------------------------------------------------------------------------

test("a filter without a value is none yet, and two values are no equality", () => {
  assert.ok(!admin.isWhole({ dimension: "model", op: "in", values: [] }));
  assert.ok(admin.isWhole({ dimension: "model", op: "in", values: [""] }) && admin.isWhole({ property: "tokens", op: "gte", values: [0] }));
  assert.equal(admin.opFor("eq", ["a"]), "eq");
  assert.equal(admin.opFor("eq", ["a", "b"]), "in");
  assert.equal(admin.opFor("neq", ["a", "b"]), "not_in");
  assert.equal(admin.opFor("contains", ["a"]), "contains");
  assert.equal(admin.opFor(undefined, ["a", "b"]), "in");
});

test("a place that was typed is within the grid, and others make way for it", () => {
  const draft = { name: "A", widgets: [widget("a", box(0, 0, 6, 2)), widget("b", box(6, 0, 6, 2))] };
  const places = (config) => Object.fromEntries(config.widgets.map(({ id, position }) => [id, position]));
  assert.deepEqual(places(admin.moved(draft, "a", box(0, 0, 13, 2))), { a: box(0, 0, 12, 2), b: box(6, 2, 6, 2) });
  assert.deepEqual(places(admin.moved(draft, "a", box(9, 0, 6, 2))), { a: box(6, 0, 6, 2), b: box(6, 2, 6, 2) });
  assert.deepEqual(places(admin.moved(draft, "b", box(-1, -1, 0, 0))), { a: box(0, 1, 6, 2), b: box(0, 0, 1, 1) });
});

test("once published, a new widget never takes the name of one that was removed", () => {
  const left = [{ id: "w_1" }, { id: "w_2" }];
  assert.equal(admin.freeId("w_", left), "w_3");
  const made = new Set(Array.from({ length: 50 }, () => admin.freeId("w_", left, true)));
  assert.ok(made.size > 45 && [...made].every((id) => /^w_3_[0-9a-z]+$/.test(id)), [...made].join(" "));
});

// --- What a combo takes -------------------------------------------------------------------------------------------------

const models = [{ value: "gpt-4-turbo" }, { value: "gpt-4" }, { value: "claude" }];
const zones = [{ value: "de", label: "Berlin" }, { value: "us", label: "New Berlin" }];
/** What Enter takes after `text` was typed. */
const entered = (text, suggestions, { strict = false, clearable = false } = {}) => {
  const found = admin.matching(text, suggestions);
  return admin.choiceOf({ text, suggestions, strict, clearable, chosen: found[admin.firstLine(text, found, strict)] });
};

test("Enter takes what was typed, not a longer name that comes before it", () => {
  assert.equal(entered("gpt-4", models), "gpt-4");
  assert.equal(entered(" gpt-4 ", models), "gpt-4");
  assert.equal(entered("gpt", models), "gpt");
  assert.equal(entered("Berlin", zones), "de");
  assert.equal(entered("acme", [{ value: "old-acme" }]), "acme");
});

test("where only suggestions may be chosen, Enter takes the first that fits", () => {
  assert.equal(entered("new", zones, { strict: true }), "us");
  assert.equal(entered("Berlin", zones, { strict: true }), "de");
  assert.equal(entered("Paris", zones, { strict: true }), null);
  assert.equal(admin.choiceOf({ text: "new", suggestions: zones, strict: true, clearable: false }), null);
});

test("an arrow key's choice counts more than the text, and an emptied field is empty where it may be", () => {
  assert.equal(admin.choiceOf({ text: "gpt", suggestions: models, strict: false, clearable: false, chosen: models[0] }), "gpt-4-turbo");
  assert.equal(entered("", models), null);
  assert.equal(entered(" ", models, { clearable: true }), "");
});
