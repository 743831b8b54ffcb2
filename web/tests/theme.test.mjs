import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./bundle.mjs";

const core = await load("core");

test("text reaches 4.5:1 in both modes, whatever the brand colour", () => {
  const brands = [undefined, "#0f9d58", "#ffeb3b", "#111111", "#ffffff", "#ff00ff", "hsl(200, 90%, 60%)"];
  for (const mode of ["light", "dark"]) {
    for (const primaryColor of brands) {
      const theme = core.resolveTheme({ mode, ...(primaryColor && { primaryColor }) }, false);
      const at = (color, ground, ratio, what) =>
        assert.ok(core.contrast(color, ground) >= ratio, `${what} ${color} on ${ground}: ${core.contrast(color, ground)} (${mode}, ${primaryColor})`);
      at(theme.text, theme.card, 4.5, "text");
      at(theme.muted, theme.card, 4.5, "muted");
      at(theme.muted, theme.background, 4.5, "muted on the page");
      at(theme.primaryText, theme.card, 4.5, "primary text");
      at(theme.onPrimary, theme.primary, 4.5, "text on primary");
      at(theme.positive, theme.card, 4.5, "positive");
      at(theme.negative, theme.card, 4.5, "negative");
    }
  }
});

test("the default palettes keep 3:1 to their card", () => {
  for (const mode of ["light", "dark"]) {
    const theme = core.resolveTheme({ mode }, false);
    for (const color of theme.palette) assert.ok(core.contrast(color, theme.card) >= 3, `${mode} ${color} ${core.contrast(color, theme.card)}`);
  }
});

test("auto follows the surroundings; without a mode the author's ground decides", () => {
  assert.equal(core.resolveTheme({ mode: "auto" }, true).mode, "dark");
  assert.equal(core.resolveTheme({ mode: "auto" }, false).mode, "light");
  assert.equal(core.resolveTheme({}, true).mode, "light");
  assert.equal(core.resolveTheme({ backgroundColor: "#101010" }, false).mode, "dark");
});

test("a brand colour leads the palette and pushes out its near twins", () => {
  const { palette } = core.resolveTheme({ primaryColor: "#4466ee" }, false);
  assert.equal(palette[0], "#4466ee");
  assert.ok(!palette.includes("#4a63e7"));
  assert.deepEqual(core.resolveTheme({ palette: ["#111111", "nonsense", "#222222"] }, false).palette, ["#111111", "#222222"]);
});

test("a theme of the host is refused by field name", () => {
  assert.throws(() => core.readTheme({ primary: "#fff" }), /theme\.primary/);
  assert.throws(() => core.readTheme({ mode: "night" }), /theme\.mode/);
  assert.throws(() => core.readTheme({ palette: "red" }), /theme\.palette/);
  assert.deepEqual(core.readTheme({ mode: "dark", primaryColor: "#0f9d58" }), { mode: "dark", primaryColor: "#0f9d58" });
});

test("a logo comes from http(s), the own origin or inline data only", () => {
  for (const good of ["https://cdn.example.com/logo.svg", "/logo.png", "data:image/png;base64,AAAA"]) assert.equal(core.safeImageURL(good), good);
  for (const bad of ["javascript:alert(1)", " JavaScript:alert(1)", "//evil.example/x.png", "data:text/html,<script>", "vbscript:x"]) {
    assert.equal(core.safeImageURL(bad), null);
  }
});
