import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const helper = await load("embed-helper");
const page = await load("embed");
const base = "https://shop.example/account";

test("a token in the query moves behind the #, where no log and no Referer sees it", () => {
  const target = helper.parseEmbedUrl("https://stats.example/embed/dash_1?token=a.b-c_d&lang=de", base);
  assert.deepEqual(target, { origin: "https://stats.example", page: "https://stats.example/embed/dash_1?lang=de", token: "a.b-c_d" });
  const url = new URL(helper.frameUrl(target, {}));
  assert.equal(url.search, "?lang=de");
  assert.equal(page.readAddress(url.search, url.hash).token, "a.b-c_d");
});

test("a token behind the # is taken as it is; relative addresses resolve", () => {
  assert.equal(helper.parseEmbedUrl("https://stats.example/embed/d#token=x", base).token, "x");
  assert.deepEqual(helper.parseEmbedUrl("/embed/d?token=x", base), { origin: "https://shop.example", page: "https://shop.example/embed/d", token: "x" });
});

test("what is no address of a dashboard is refused", () => {
  for (const bad of ["javascript:alert(1)//?token=x", "data:text/html,x?token=x", "https://stats.example/embed/d", "http://[", "blob:https://x/?token=1"]) {
    assert.throws(() => helper.parseEmbedUrl(bad, base), TypeError, bad);
  }
});

test("theme and filters reach the page through the fragment, whatever characters they hold", () => {
  const target = helper.parseEmbedUrl("https://stats.example/embed/d?token=x", base);
  const filters = { period: "7d", dimensions: { model: ["a&b=c#d", "日本"] } };
  const theme = { mode: "dark", primaryColor: "#0f9d58" };
  const url = new URL(helper.frameUrl(target, { theme, filters }));
  assert.deepEqual(page.readAddress(url.search, url.hash), { token: "x", theme, filters, autoheight: true });
});

test("the page cleans its address and bears nonsense in it", () => {
  assert.equal(page.cleanAddress("https://stats.example/embed/d?lang=de&token=secret#token=secret&theme=%7B%7D"), "/embed/d?lang=de");
  assert.equal(page.cleanAddress("https://stats.example/embed/d?token=secret"), "/embed/d");
  assert.deepEqual(page.readAddress("?token=q", "#theme=%7Bnot&filters="), { token: "q", theme: undefined, filters: undefined, autoheight: false });
});
