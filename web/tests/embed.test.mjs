import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const helper = await load("embed-helper");
const page = await load("embed");
const base = "https://shop.example/account";

test("a token in the query moves behind the #, where no log and no Referer sees it", () => {
  const target = helper.parseEmbedUrl("https://stats.example/embed/dash_1?token=a.b-c_d&lang=de", base);
  assert.deepEqual(target, { origin: "https://stats.example", page: "https://stats.example/embed/dash_1?lang=de", token: "a.b-c_d", session: "" });
  const url = new URL(helper.frameUrl(target, {}));
  assert.equal(url.search, "?lang=de");
  assert.equal(page.readAddress(url.search, url.hash).token, "a.b-c_d");
});

test("a token behind the # is taken as it is; relative addresses resolve", () => {
  assert.equal(helper.parseEmbedUrl("https://stats.example/embed/d#token=x", base).token, "x");
  assert.deepEqual(helper.parseEmbedUrl("/embed/d?token=x", base), { origin: "https://shop.example", page: "https://shop.example/embed/d", token: "x", session: "" });
});

const jwt = (claims) => `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2lnbmF0dXJl`;

test("the session's id goes along in the query, so that the server knows who may frame the page", () => {
  const token = jwt({ sub: "ünïcode ÿ?>", jti: "ses_1/a&b" });
  for (const address of [`https://stats.example/embed/d?token=${token}`, `https://stats.example/embed/d#token=${token}`, `https://stats.example/embed/d?session=old#token=${token}`]) {
    const target = helper.parseEmbedUrl(address, base);
    assert.equal(target.page, "https://stats.example/embed/d", "the same page for every session");
    const url = new URL(helper.frameUrl(target, {}));
    assert.equal(url.searchParams.get("session"), "ses_1/a&b");
    assert.ok(!url.search.includes(token));
    assert.equal(page.readAddress(url.search, url.hash).token, token);
    assert.equal(page.cleanAddress(url.href), "/embed/d");
  }
  const more = helper.parseEmbedUrl(`https://stats.example/embed/d?lang=de&token=${jwt({ jti: "s" })}`, base);
  assert.equal(new URL(helper.frameUrl(more, {})).search, "?lang=de&session=s");
});

test("a token that is no JWT is borne, and a session given in the address is kept for it", () => {
  for (const token of ["x", "a.b.c", "..", `a.${Buffer.from("[1]").toString("base64url")}.c`, `a.${Buffer.from("null").toString("base64url")}.c`, jwt({}), jwt({ jti: 5 }), jwt({ jti: null })]) {
    const target = helper.parseEmbedUrl(`https://stats.example/embed/d?token=${token}`, base);
    assert.deepEqual([target.token, target.session], [token, ""], token);
    assert.equal(new URL(helper.frameUrl(target, {})).search, "");
  }
  const given = helper.parseEmbedUrl("https://stats.example/embed/d?session=ses_2#token=opaque", base);
  assert.equal(new URL(helper.frameUrl(given, {})).search, "?session=ses_2");
});

test("what is no address of a dashboard is refused", () => {
  for (const bad of ["javascript:alert(1)//?token=x", "data:text/html,x?token=x", "https://stats.example/embed/d", "http://[", "blob:https://x/?token=1"]) {
    assert.throws(() => helper.parseEmbedUrl(bad, base), TypeError, bad);
  }
});

test("an address that is missing is called so", () => {
  for (const nothing of ["", "  ", undefined, null]) assert.throws(() => helper.parseEmbedUrl(nothing, base), /embedUrl is empty/);
});

test("theme and filters reach the page through the fragment, whatever characters they hold", () => {
  const target = helper.parseEmbedUrl("https://stats.example/embed/d?token=x", base);
  const filters = { period: "7d", dimensions: { model: ["a&b=c#d", "日本"] } };
  const theme = { mode: "dark", primaryColor: "#0f9d58" };
  const url = new URL(helper.frameUrl(target, { theme, filters }));
  assert.deepEqual(page.readAddress(url.search, url.hash), { token: "x", theme, filters, autoheight: true, live: null });
});

test("the page cleans its address and bears nonsense in it", () => {
  assert.equal(page.cleanAddress("https://stats.example/embed/d?lang=de&token=secret#token=secret&theme=%7B%7D"), "/embed/d?lang=de");
  assert.equal(page.cleanAddress("https://stats.example/embed/d?token=secret"), "/embed/d");
  assert.deepEqual(page.readAddress("?token=q", "#theme=%7Bnot&filters="), { token: "q", theme: undefined, filters: undefined, autoheight: false, live: null });
});

test("whether the dashboard is live reaches the page, and is left to the dashboard otherwise", () => {
  const target = helper.parseEmbedUrl("https://stats.example/embed/d?token=x", base);
  const read = (options) => page.readAddress("", new URL(helper.frameUrl(target, options)).hash).live;
  assert.deepEqual([read({ live: true }), read({ live: false }), read({}), page.readAddress("", "#live=perhaps").live], [true, false, null, null]);
});

test("the page's address names its dashboard", () => {
  const named = [["/embed/dash_1", "dash_1"], ["/stats/embed/us%C3%A4ge/", "usäge"], ["/embed/%zz", "%zz"], ["/embed/", null], ["/", null]];
  for (const [path, name] of named) assert.equal(page.dashboardOf(path), name, path);
});
