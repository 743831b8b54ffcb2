// Bundles the browser code into .build/share/emban/web, which the server serves:
//   sdk/*.js → /sdk/*, web-components/*.js → /web-components/*, web/* → /web/*, pages/*.html → /embed/{id}, /app and /demo
// and the published packages into .build/packages (packages.mjs lists them). Files under web/ carry a hash of their content in the name and may be cached for ever. Every text file has .gz and .br beside it.
//
//   node web/build.mjs            build
//   node web/build.mjs --packages the published packages only, in .build/packages
//   node web/build.mjs --check    types of all packages (tsc --noEmit)
//   node web/build.mjs --tests    bundles for `node --test web/tests/` only (a build makes them too)

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { buildPackages, emitTypes } from "./packages.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "..");
const output = join(root, ".build/share/emban/web");
const scratch = join(root, ".build/web-tmp");
const packages = join(root, ".build/packages");
const tests = join(root, ".build/web-tests");
const echartsSource = join(root, ".build/vendor/echarts/echarts.min.js");
/** Limits of what host pages load, in bytes as gzip: a build beyond them fails. */
const budgets = { "sdk/emban-embed.js": 6 * 1024 };

/** A tool of this workspace when `npm install` was run, else the one on the machine. */
function tool(name) {
  const local = join(here, "node_modules/.bin", name);
  return existsSync(local) ? local : name;
}

function run(name, args) {
  const result = spawnSync(tool(name), args, { cwd: here, stdio: ["ignore", "inherit", "inherit"] });
  if (result.error) throw new Error(`${name} could not be started (${result.error.message}); install it, or run npm install in web/`);
  if (result.status !== 0) {
    console.error(`${name} ${args.join(" ")}: failed`);
    process.exit(result.status ?? 1);
  }
}

function hashOf(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 10);
}

/** ECharts as one script that touches no global name and no module loader of the page it is put into. */
function wrapECharts(source) {
  return `(function(exports,module,define){${source}\n;globalThis[Symbol.for("emban.echarts")]=exports}).call(globalThis,{},{});\n`;
}

/** The element's style sheets as one: the basic one first, the others by name. */
function elementCSS() {
  const folder = "packages/element/src/styles";
  const names = readdirSync(join(here, folder)).filter((name) => name.endsWith(".css") && name !== "dashboard.css").sort();
  const whole = join(scratch, "element.css");
  writeFileSync(whole, ["dashboard.css", ...names].map((name) => readFileSync(join(here, folder, name), "utf8")).join("\n"));
  return minifyCSS(whole, "dashboard.css");
}

function minifyCSS(entry, name) {
  const file = join(scratch, name);
  run("esbuild", [entry, "--minify", "--log-level=error", "--loader:.css=css", `--outfile=${file}`]);
  return file;
}

/** Style sheets with what they import, as one. */
function bundleCSS(entry, name, options) {
  const file = join(scratch, name);
  run("esbuild", [entry, "--bundle", "--minify", "--log-level=warning", `--outfile=${file}`, ...options]);
  return file;
}

function bundle(entry, name, options = []) {
  const file = join(scratch, name);
  run("esbuild", [
    entry, "--bundle", "--minify", "--format=iife", "--target=es2020", "--charset=utf8", "--legal-comments=none", "--log-level=warning",
    "--tsconfig=tsconfig.json", "--loader:.css=text", `--outfile=${file}`, ...options,
  ]);
  return readFileSync(file);
}

const written = new Set();

function emit(path, content) {
  const file = join(output, path);
  const bytes = Buffer.from(content);
  mkdirSync(dirname(file), { recursive: true });
  const unchanged = existsSync(file) && readFileSync(file).equals(bytes) && existsSync(`${file}.gz`) && existsSync(`${file}.br`);
  if (!unchanged) {
    writeFileSync(file, bytes);
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
  }
  for (const suffix of ["", ".gz", ".br"]) written.add(file + suffix);
  return { path, bytes: bytes.length, gzip: statSync(`${file}.gz`).size, brotli: statSync(`${file}.br`).size };
}

function emitHashed(name, extension, content) {
  return emit(`web/${name}-${hashOf(content)}.${extension}`, content);
}

/** Fills `{{name}}`; a name without a value stops the build. */
function fill(template, values) {
  return readFileSync(join(here, template), "utf8").replace(/\{\{(\w+)\}\}/g, (_match, name) => {
    if (values[name] === undefined) throw new Error(`${template}: no value for {{${name}}}`);
    return values[name].replace(/^web\//, "");
  });
}

function removeStale(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeStale(path);
    else if (!written.has(path)) rmSync(path);
  }
}

/** The description of the API out of its files, one a resource; a name that two of them define stops the build. */
function apiDescription() {
  const folder = join(here, "apps/reference/openapi");
  const merge = (into, from, path) => {
    for (const [key, value] of Object.entries(from)) {
      // `paths` holds addresses; `components` holds kinds, which hold names.
      const isGroup = path.length === 0 ? key === "paths" || key === "components" : path.length === 1 && path[0] === "components";
      if (isGroup) into[key] = merge(into[key] ?? {}, value, [...path, key]);
      else if (key in into) throw new Error(`openapi: ${[...path, key].join(".")} is defined twice`);
      else into[key] = value;
    }
    return into;
  };
  const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return files.reduce((whole, name) => merge(whole, JSON.parse(readFileSync(join(folder, name), "utf8")), []), {});
}

function buildTests() {
  const elementStyles = elementCSS();
  const entries = {
    "admin.mjs": "apps/admin/src/testable.ts",
    "core.mjs": "packages/core/src/index.ts",
    "embed-helper.mjs": "packages/embed-helper/src/embed-url.ts",
    "embed.mjs": "packages/embed/src/address.ts",
    "sdk-batcher.mjs": "packages/sdk/src/index.ts",
    "sdk-names.mjs": "packages/sdk/src/names.ts",
    "sdk-retry.mjs": "packages/sdk/src/retry.ts",
  };
  for (const [name, entry] of Object.entries(entries)) {
    run("esbuild", [entry, "--bundle", "--format=esm", "--platform=neutral", "--target=es2020", "--external:node:*", "--log-level=warning", "--tsconfig=tsconfig.json", `--outfile=${join(tests, name)}`]);
  }
  writeFileSync(join(tests, "emban-embed.js"), bundle("packages/embed-helper/src/main.ts", "emban-embed.js"));
  return elementStyles;
}

/** What a bundle with the element needs: its style sheet, and where on the server the charts are. */
function elementFlags(styles, echarts) {
  return [`--alias:emban-styles=${styles}`, `--define:EMBAN_ECHARTS_PATH=${JSON.stringify(`/${echarts}`)}`];
}

/** Where a package of the console is: of this workspace when `npm install` was run, else the one of the system. */
function moduleFolder(name) {
  const places = [join(here, "node_modules", name), join("/usr/share/nodejs", name)];
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`${name} is in none of ${places.join(", ")}: run scripts/setup, or npm install in web/`);
  return found;
}

/** The console's pages: React and the viewer's own views in one file. */
function consoleFlags(elementOptions, editor) {
  const react = ["react", "react-dom", "scheduler"].map((name) => `--alias:${name}=${moduleFolder(name)}`);
  return [...elementOptions, ...react, "--jsx=automatic", '--define:process.env.NODE_ENV="production"', `--define:EMBAN_CODEMIRROR_PATH=${JSON.stringify(`/${editor}`)}`];
}

/** What the query builder edits SQL with: CodeMirror 5 and its parts as one script that touches no global name, and their style sheets. */
function codeMirror() {
  const folder = [join(here, "node_modules/codemirror"), "/usr/share/javascript/codemirror", "/usr/share/nodejs/codemirror"].find((place) => existsSync(place));
  if (!folder) throw new Error("codemirror is neither in node_modules nor in /usr/share/javascript: run scripts/setup, or npm install in web/");
  const find = (name) => {
    const file = [join(folder, name), join(folder, name.replace(/^lib\//, ""))].find((place) => existsSync(place));
    if (!file) throw new Error(`${name} is not in ${folder}`);
    return readFileSync(file, "utf8");
  };
  const parts = ["mode/sql/sql.js", "addon/edit/matchbrackets.js", "addon/edit/closebrackets.js", "addon/hint/show-hint.js", "addon/hint/sql-hint.js"];
  // Each file registers with a module loader, or else with a global: here it gets a loader of its own.
  const part = (name) => `(function(define,module,exports){${find(name)}\n}).call(own,function(names,make){make(own.CodeMirror)},undefined,undefined);`;
  const core = `(function(define,module,exports){${find("lib/codemirror.js")}\n}).call(own,function(make){own.CodeMirror=make()},undefined,undefined);`;
  const amd = (text) => text.replace(/function\(define,module,exports\)\{/g, "function(define,module,exports){if(define)define.amd=true;");
  const script = join(scratch, "codemirror-source.js");
  writeFileSync(script, amd(`(function(){var own={};\n${core}\n${parts.map(part).join("\n")}\nglobalThis[Symbol.for("emban.codemirror")]=own.CodeMirror;})();\n`));
  const minified = join(scratch, "codemirror.js");
  run("esbuild", [script, "--minify", "--target=es2020", "--charset=utf8", "--log-level=error", `--outfile=${minified}`]);
  return { script: readFileSync(minified), styles: ["lib/codemirror.css", "addon/hint/show-hint.css"].map(find).join("\n") };
}

/** Types of `window.Emban`, for pages that load the script: one file without imports. */
function scriptTypes() {
  const types = emitTypes(scratch, run);
  const own = readFileSync(join(types, "embed-helper/src/types.d.ts"), "utf8").replace(/^export /gm, "").trim();
  return `// Types of ${"/sdk/emban-embed.js"}: <reference path="emban-embed.d.ts" />\n${own}\ndeclare const Emban: { create(options: EmbanOptions): EmbanHandle };\n`;
}

/** Packages are not of one server's build: they ask for the charts by a name that stays. */
function publish() {
  buildPackages({ here, scratch, output: packages, run, elementOptions: elementFlags(elementCSS(), "sdk/echarts.js") });
}

function build() {
  if (!existsSync(echartsSource)) {
    console.error(`${relative(root, echartsSource)} is missing: run scripts/setup first`);
    process.exit(1);
  }
  const styles = buildTests();
  const files = [];
  const keep = (file) => {
    files.push(file);
    return file.path;
  };
  const wrapped = wrapECharts(readFileSync(echartsSource, "utf8"));
  const echarts = keep(emitHashed("echarts", "js", wrapped));
  keep(emit("sdk/echarts.js", wrapped));
  const elementOptions = elementFlags(styles, echarts);
  keep(emit("sdk/emban-dashboard.js", bundle("packages/element/src/main.ts", "emban-dashboard.js", elementOptions)));
  keep(emit("web-components/dbn-dashboard.js", bundle("packages/element/src/dbn.ts", "dbn-dashboard.js", elementOptions)));
  keep(emit("sdk/emban-embed.js", bundle("packages/embed-helper/src/main.ts", "emban-embed.js")));
  keep(emit("sdk/emban-embed.d.ts", scriptTypes()));
  const embed = keep(emitHashed("embed", "js", bundle("packages/embed/src/main.ts", "embed.js", elementOptions)));
  keep(emit("pages/embed.html", fill("packages/embed/embed.html", { embed, echarts })));
  const { script: editorScript, styles: editorStyles } = codeMirror();
  const editor = keep(emitHashed("codemirror", "js", editorScript));
  const editorCSS = join(scratch, "codemirror.css");
  writeFileSync(editorCSS, editorStyles);
  const adminCSS = keep(emitHashed("admin", "css", readFileSync(bundleCSS("apps/admin/src/styles/admin.css", "admin.css", [`--alias:codemirror-styles=${editorCSS}`]))));
  const admin = keep(emitHashed("admin", "js", bundle("apps/admin/src/main.tsx", "admin.js", consoleFlags(elementOptions, editor))));
  keep(emit("pages/app.html", fill("apps/admin/app.html", { admin, adminCSS })));
  const demoCSS = keep(emitHashed("demo", "css", readFileSync(minifyCSS("apps/demo/src/demo.css", "demo.css"))));
  const demo = keep(emitHashed("demo", "js", bundle("apps/demo/src/main.ts", "demo.js")));
  keep(emit("pages/demo.html", fill("apps/demo/demo.html", { demo, demoCSS })));
  keep(emit("openapi.json", `${JSON.stringify(apiDescription())}\n`));
  const referenceCSS = keep(emitHashed("reference", "css", readFileSync(minifyCSS("apps/reference/src/reference.css", "reference.css"))));
  const reference = keep(emitHashed("reference", "js", bundle("apps/reference/src/main.ts", "reference.js")));
  keep(emit("pages/reference.html", fill("apps/reference/reference.html", { reference, referenceCSS })));
  const manifest = Object.fromEntries(files.map(({ path, ...sizes }) => [path, sizes]));
  const manifestFile = join(output, "manifest.json");
  writeFileSync(manifestFile, JSON.stringify(manifest, null, 2) + "\n");
  written.add(manifestFile);
  removeStale(output);
  for (const { path, bytes, gzip, brotli } of files) {
    const budget = budgets[path];
    const limit = budget === undefined ? "" : `  of ${budget} allowed`;
    console.log(`${path.padEnd(36)} ${String(bytes).padStart(9)} B  gzip ${String(gzip).padStart(7)}${limit}  brotli ${String(brotli).padStart(7)}`);
    if (budget !== undefined && gzip > budget) {
      console.error(`${path}: ${gzip} B as gzip are more than the ${budget} B allowed`);
      process.exitCode = 1;
    }
  }
  publish();
}

const mode = process.argv[2];
mkdirSync(scratch, { recursive: true });
if (mode === "--check") run("tsc", ["--noEmit", "--project", "tsconfig.json"]);
else if (mode === "--tests") buildTests();
else if (mode === "--packages") publish();
else if (mode === undefined) build();
else {
  console.error(`unknown option ${mode}: expected --check, --tests, --packages or nothing`);
  process.exit(2);
}
