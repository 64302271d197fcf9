// Joins what is loaded together into one CommonJS file each: the start of a server (main.cjs), the
// engine, the provider that most use. A file costs a look-up and a read, the loader of ES modules
// some milliseconds more, and what V8 compiled of a CommonJS file can be kept (src/compiled.cjs).
// Everything else stays as it was built, and finds what was joined in small stand-ins.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { join as joinPath } from "node:path/posix";
import { init, parse } from "es-module-lexer";
import { build } from "esbuild";
import { moduleUrlBanner, serverExternal } from "./entries.mjs";
import { withSharedShapes } from "./sharedShapes.mjs";

/**
 * Joins parts of a build with code splitting. `files` gives for each file the sources whose static
 * imports go into it, unless an earlier file has them; a source that is an entry point of the build
 * itself runs when the file is loaded.
 */
export async function joinFiles({ root, outdir, metafile, files }) {
  const { outputs } = metafile;
  await init;
  const taken = new Map();
  for (const [name, sources] of Object.entries(files)) {
    const entries = sources.map((source) => outputOf(outputs, source));
    const found = new Set();
    for (const entry of entries) findStatic(outputs, entry, found);
    const parts = [...found].filter((path) => !taken.has(path));
    const wanted = wantedOf(parts, { root, outputs });
    for (const [index, path] of parts.entries()) {
      taken.set(path, { name, index, exports: [...wanted.get(path)] });
    }
    await joinFile({ root, outdir, name, parts, taken });
    for (const path of parts) {
      writeFileSync(join(root, path), standIn(taken.get(path), path, outdir));
    }
  }
  const fromOutdir = (path) => `./${relative(outdir, path).split(sep).join("/")}`;
  const places = [...taken].map(([path, { name, index }]) => [
    fromOutdir(path),
    [name, `part${index}`],
  ]);
  const parts = Object.keys(outputs)
    .filter((path) => outputs[path].entryPoint !== undefined && !taken.has(path))
    .map((path) => [fromOutdir(path), inOrder(outputs, path).map(fromOutdir)]);
  writeFileSync(join(root, outdir, "parts.cjs"), partsCode(parts));
  copyFileSync(join(root, "src/compiled.cjs"), join(root, outdir, "compiled.cjs"));
  writeFileSync(join(root, outdir, "load.cjs"), loader(Object.fromEntries(places)));
}

/**
 * Loads what a joined file wants later, by the path that it was built at or a package's name: from
 * the file that it was joined into, else as an ES module. Code that V8 compiled before cannot use
 * `import()` itself.
 *
 * Node remembers a module that could not be read for as long as the process lives, and opens all files of
 * a part at once. So where most file descriptors are held, a part's files are loaded one by one
 * (parts.cjs has their order), each when some descriptors are free.
 */
function loader(places) {
  return `const { closeSync, openSync } = require("node:fs");
const places = ${JSON.stringify(places)};
const loaded = new Set();
/** Whether so many files can be opened. */
function hasRoom(files) {
  const held = [];
  try {
    while (held.length < files) held.push(openSync(__filename));
    return true;
  } catch (error) {
    return error.code !== "EMFILE";
  } finally {
    held.forEach(closeSync);
  }
}
async function room(files) {
  for (let tries = 0; !hasRoom(files) && tries < 500; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
async function oneByOne(path) {
  await room(4);
  for (const file of require("./parts.cjs").filesOf(path)) {
    await room(4);
    await import(file);
  }
}
exports.joined = (name) => require("./compiled.cjs").load(require.resolve("./" + name));
exports.later = async (path) => {
  const [name, part] = places[path] ?? [];
  if (!loaded.has(path)) {
    if (name !== undefined) await room(12);
    else if (path.startsWith("./") && !hasRoom(100)) await oneByOne(path);
    loaded.add(path);
  }
  return name === undefined ? import(path) : exports.joined(name)[part];
};
`;
}

/** A file with the files of each part. Each name stands there once: most are files of many parts. */
function partsCode(parts) {
  const names = [...new Set(parts.flatMap(([, files]) => files))];
  const numbers = new Map(names.map((name, number) => [name, number]));
  const places = parts.map(([path, files]) => [path, files.map((file) => numbers.get(file))]);
  return `const names=${JSON.stringify(names)},parts=${JSON.stringify(Object.fromEntries(places))};
exports.filesOf=(path)=>(parts[path]??[]).map((number)=>names[number]);
`;
}

/** A part's files, each behind those that it imports. */
function inOrder(outputs, path, found = new Set()) {
  for (const { path: next, kind } of outputs[path]?.imports ?? []) {
    if (kind === "import-statement" && outputs[next] !== undefined && !found.has(next)) {
      inOrder(outputs, next, found);
    }
  }
  return [...found.add(path)];
}

function outputOf(outputs, source) {
  const found = Object.keys(outputs).find((path) => outputs[path].entryPoint?.endsWith(source));
  if (found === undefined) throw new Error(`${source} is loaded by nothing of its own`);
  return found;
}

/** Adds what is loaded with a file: itself, and what it and those import other than dynamically. */
function findStatic(outputs, path, found) {
  if (found.has(path) || outputs[path] === undefined) return;
  found.add(path);
  for (const { path: next, kind } of outputs[path].imports) {
    if (kind === "import-statement") findStatic(outputs, next, found);
  }
}

/**
 * What other files take of each part: all that it exports if it is loaded later somewhere, else the names
 * in their imports. The rest needs no way out of the joined file.
 */
function wantedOf(parts, { root, outputs }) {
  const wanted = new Map(parts.map((path) => [path, new Set()]));
  for (const [path, { imports }] of Object.entries(outputs)) {
    const statics = imports.filter(({ kind }) => kind === "import-statement");
    for (const { path: next, kind } of imports) {
      if (kind === "dynamic-import")
        for (const one of outputs[next]?.exports ?? []) wanted.get(next)?.add(one);
    }
    if (wanted.has(path) || !statics.some(({ path: next }) => wanted.has(next))) continue;
    const code = readFileSync(join(root, path), "utf8");
    for (const { n, d, ss, se } of parse(code)[0]) {
      const names = wanted.get(n === undefined ? n : joinPath(dirname(path), n));
      if (d === -1 && names !== undefined)
        for (const one of namesIn(code.slice(ss, se))) names.add(one);
    }
  }
  return wanted;
}

/** The names that an import takes: `import{a as b,c}from"…"` takes `a` and `c`. */
function namesIn(statement) {
  const [, clause = ""] = /\{([^}]*)\}/.exec(statement) ?? [];
  return clause.split(",").flatMap((one) => one.trim().split(/\s+as\s+/)[0] || []);
}

async function joinFile({ root, outdir, name, parts, taken }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      resolveDir: root,
      contents: parts.map((path) => exportOf(path, taken.get(path))).join("\n"),
    },
    outfile: join(outdir, name),
    write: false,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    external: serverExternal,
    define: { "import.meta.url": "__moduleUrl" },
    banner: {
      js: `${moduleUrlBanner} const __later = require("./load.cjs").later;`,
    },
    plugins: [takeFromOutside({ root, outdir, name, taken })],
  });
  for (const { path, text } of outputFiles) {
    // The loader counts on ASCII; a regular expression may still hold something else.
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    const code = withSharedShapes(shortened(loadedLater(text)));
    writeFileSync(path, code.replace(/[\u0080-\uffff]/g, escaped));
  }
}

/** Gives a part's exports their name in the joined file. What nobody takes anything of just runs. */
function exportOf(path, { index, exports }) {
  if (exports.length === 0) return `import "./${path}";`;
  return `export * as part${index} from "part:./${path}";`;
}

/** Gives short names to what esbuild names after each part. */
function shortened(code) {
  const names = new Map();
  const prefix = ["$_", "$$_", "$$$_"].find((one) => !code.includes(one));
  if (prefix === undefined) return code;
  return code.replace(/\b(?:init_chunk_|chunk_)[0-9A-Z]{8}(?:_exports)?\b/g, (found) => {
    const short = names.get(found) ?? `${prefix}${names.size.toString(36)}`;
    names.set(found, short);
    return short;
  });
}

/** Puts `__later(…)` in the place of every `import(…)`, whatever it names, and of nothing else. */
function loadedLater(code) {
  const [imports] = parse(code);
  const starts = imports.filter(({ d }) => d >= 0).map(({ ss }) => ss);
  const ends = [...starts, code.length];
  return starts.reduce(
    (done, start, index) => `${done}__later${code.slice(start + "import".length, ends[index + 1])}`,
    code.slice(0, ends[0]),
  );
}

/** Leaves what is loaded later where it is, and takes what is in another file from there. */
function takeFromOutside({ root, outdir, name, taken }) {
  const slashes = (path) => path.split(sep).join("/");
  return {
    name: "take-from-outside",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^part:/ }, ({ path }) => ({
        path: path.slice("part:./".length),
        namespace: "part",
      }));
      onLoad({ filter: /./, namespace: "part" }, ({ path }) => ({
        contents: `export { ${taken.get(path).exports.join(", ")} } from "./${path}";`,
        resolveDir: root,
      }));
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        if (path === "./load.cjs") return { path, external: true };
        const file = resolve(resolveDir, path);
        if (!existsSync(file) || taken.has(slashes(relative(root, file)))) return undefined;
        return { path: `./${slashes(relative(join(root, outdir), file))}`, external: true };
      });
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        const output = slashes(relative(root, path));
        const place = taken.get(output);
        const resolveDir = dirname(path);
        if (place !== undefined && place.name !== name) {
          const load = `require("./load.cjs").joined("${place.name}")`;
          return { contents: exportsOf(load, place), resolveDir };
        }
        // `require` is there in CommonJS; the one that was made for an ES module would be a second.
        const banner = /^import \{ createRequire as .*$/m;
        return { contents: readFileSync(path, "utf8").replace(banner, ""), resolveDir };
      });
    },
  };
}

/** A file with the exports of one that was joined. */
function standIn(place, path, outdir) {
  const up = relative(dirname(path), outdir).split(sep).join("/") || ".";
  // Not `import`: that would read the whole file for the names of its exports.
  const load = `createRequire(import.meta.url)("${up}/load.cjs").joined("${place.name}")`;
  return `import { createRequire } from "node:module";\n${exportsOf(load, place)}`;
}

function exportsOf(load, { index, exports }) {
  if (exports.length === 0) return `${load};\n`;
  const isDefault = exports.includes("default");
  const names = exports.filter((exported) => exported !== "default").join(", ");
  return [
    `const part = ${load}.part${index};`,
    `export const { ${names} } = part;`,
    ...(isDefault ? ["export default part.default;"] : []),
    "",
  ].join("\n");
}
