// Bundles the packages that are published: .build/packages/<folder> with ESM (.mjs), CommonJS (.cjs), declarations and a package.json that names
// them. What a package lists as peer dependency (and its subpaths) stays an import; everything else is bundled, so that none has a dependency.

import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * One line per entry: `folder` below packages/, `entry` as others import it ("." is the package itself), `source` below the folder.
 * `platform` is "node" where Node's own modules are used. `callable`: `require` gives the default export itself, with the others as its members.
 * `client`: components that run in browsers, also where pages are made of React server components.
 * A line whose source does not exist is an error.
 */
export const entries = [
  { folder: "embed-helper", entry: ".", source: "src/index.ts" },
  { folder: "embed-helper", entry: "./react", source: "src/react/index.ts", client: true },
  { folder: "element", entry: ".", source: "src/index.ts" },
  { folder: "react", entry: ".", source: "src/index.ts", client: true },
  { folder: "sdk", entry: ".", source: "src/index.ts", platform: "node", callable: true },
];

const callableModule = 'module.exports = Object.defineProperty(Object.assign(module.exports.default, module.exports), "__esModule", { value: true });';

/**
 * @param tools `{ here, scratch, output, run, elementOptions }` of build.mjs: folders, how to start a tool, what bundles with the element need
 */
export function buildPackages({ here, scratch, output, run, elementOptions }) {
  const types = emitTypes(scratch, run);
  for (const folder of new Set(entries.map((entry) => entry.folder))) {
    const own = entries.filter((entry) => entry.folder === folder);
    const target = join(output, folder);
    const manifest = JSON.parse(readFileSync(join(here, "packages", folder, "package.json"), "utf8"));
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    const exports = {};
    for (const { entry, source, platform = "browser", callable = false, client = false } of own) {
      const name = entry === "." ? "index" : entry.replace(/^\.\//, "");
      const external = Object.keys(manifest.peerDependencies ?? {}).flatMap((peer) => [`--external:${peer}`, `--external:${peer}/*`]);
      for (const [format, extension] of [["esm", "mjs"], ["cjs", "cjs"]]) {
        run("esbuild", [
          `packages/${folder}/${source}`, "--bundle", `--format=${format}`, `--platform=${platform}`, "--target=es2020", "--charset=utf8",
          "--legal-comments=none", "--log-level=warning", "--tsconfig=tsconfig.json", "--loader:.css=text", ...elementOptions, ...external,
          ...(client ? ['--banner:js="use client";'] : []), ...(callable && format === "cjs" ? [`--footer:js=${callableModule}`] : []), `--outfile=${join(target, `${name}.${extension}`)}`,
        ]);
      }
      const declared = `./types/${folder}/${source.replace(/\.tsx?$/, "")}`;
      // For compilers that do not read "exports".
      if (entry !== ".") writeFileSync(join(target, `${name}.d.ts`), `export * from "${declared}.js";\n`);
      exports[entry] = {
        import: { types: `${declared}.d.ts`, default: `./${name}.mjs` },
        require: { types: `${declared}.d.cts`, default: `./${name}.cjs` },
      };
    }
    copyTypes(types, target, own);
    // "type": "module" is for the compiler: it reads .d.ts as what an ES module exports, and .d.cts as what `require` gives.
    const { scripts: _scripts, dependencies: _bundled, main: _main, private: _private, ...rest } = manifest;
    const first = exports["."] ?? Object.values(exports)[0];
    const whole = { ...rest, sideEffects: false, main: first.require.default, module: first.import.default, types: first.import.types, exports };
    writeFileSync(join(target, "package.json"), JSON.stringify(whole, null, 2) + "\n");
    const readme = join(here, "packages", folder, "README.md");
    if (existsSync(readme)) copyFileSync(readme, join(target, "README.md"));
  }
}

/** Declarations of all packages, once, as a tree beside each other: {packages}/core/src/index.d.ts, … */
export function emitTypes(scratch, run) {
  const folder = join(scratch, "types");
  rmSync(folder, { recursive: true, force: true });
  run("tsc", ["--project", "tsconfig.json", "--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", ".", "--outDir", folder]);
  return join(folder, "packages");
}

/** Copies the declarations that `own` entries reach, with imports of our packages made relative; once as .d.ts and once as .d.cts. */
function copyTypes(types, target, own) {
  const done = new Set();
  const visit = (file) => {
    if (done.has(file)) return;
    done.add(file);
    const text = readFileSync(file, "utf8").replace(/(from\s+|import\()"([^"]+)"/g, (whole, before, name) => {
      const found = resolveTypes(types, file, name);
      if (!found) return whole;
      visit(found);
      const path = relative(dirname(file), found).replace(/\.d\.ts$/, "");
      return `${before}"${path.startsWith(".") ? path : `./${path}`}"`;
    });
    const place = join(target, "types", relative(types, file));
    mkdirSync(dirname(place), { recursive: true });
    // Newer compilers want the extension of what will be loaded.
    writeFileSync(place, text.replace(/((?:from\s+|import\()"\.[^"]*)"/g, '$1.js"'));
    writeFileSync(place.replace(/\.d\.ts$/, ".d.cts"), text.replace(/((?:from\s+|import\()"\.[^"]*)"/g, '$1.cjs"'));
  };
  for (const { folder, source } of own) visit(join(types, folder, source.replace(/\.tsx?$/, ".d.ts")));
}

function resolveTypes(types, file, name) {
  const [, folder, rest] = /^@emban\/([\w-]+)(?:\/(.+))?$/.exec(name) ?? [];
  const base = name.startsWith(".") ? join(dirname(file), name) : folder ? join(types, folder, "src", rest ?? "index") : null;
  if (base === null) return null;
  return [`${base}.d.ts`, join(base, "index.d.ts")].find((path) => existsSync(path)) ?? null;
}

/** The names of all files below `folder`. */
export function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)).map((name) => join(entry.name, name)) : [entry.name]);
}
