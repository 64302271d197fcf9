import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "./sourceFiles.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Every file below a folder of the project, as a path from the project's own. */
function below(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => !path.includes("/node_modules/"))
    .sort();
}

const files = below("test").filter((path) => path.endsWith(".ts"));

const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Skips of which nobody is told why: of vitest's own, all but `skip(condition, reason)`. */
const bareSkip =
  /\b(?:it|test|describe|suite)\.(?:skip|skipIf|runIf|todo|only)\b|(?<![.#\w])skip\([^,()]*(?:\([^()]*\)[^,()]*)*\)|\bx(?:it|describe)\(/;

function withoutStrings(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}

function isBare(text: string): boolean {
  return bareSkip.test(withoutStrings(text));
}

describe("every file, tests and scripts too", () => {
  // Members are written as members, and `defined()` leaves out the absent ones.
  const spreads = /\.\.\.\{|\.\.\.\([^()]*(\([^()]*\)[^()]*)*(\? \{|: \{|&& \{)/;

  it("writes members as members, and leaves absent ones out in one way", () => {
    const rooms = ["src", "test", "bench", "scripts", "examples"];
    const all = rooms.flatMap((room) => below(room).filter((path) => /\.(m?ts|mjs)$/.test(path)));
    expect(all.filter((path) => spreads.test(parse(path, read(path)).code))).toEqual([]);
  });

  // Without their dots, so that this file is not among those that are found.
  it.each([
    ["{ a }", true],
    ["(b === undefined ? {} : { b })", true],
    ["(is(b) ? { b } : {})", true],
    ["(b && { b })", true],
    ["defined({ b })", false],
    ["(x ?? y)", false],
  ])("knows what must not be spread: %s", (text, mustNot) => {
    expect(spreads.test(`({ ...${text} })`)).toBe(mustNot);
  });
});

describe("every test", () => {
  it("that is skipped says why", () => {
    expect(files.filter((path) => isBare(read(path)))).toEqual([]);
  });

  it("waits for a server whose database it opens", () => {
    // They ask whether a lock is held and must not wait for it.
    const others = ["cli/daemonHistory.ts", "storage/daemonLock.test.ts"];
    const allowed = ["helpers/storedFile.ts", ...others].map((path) => `test/${path}`);
    const opening = `new ${"DatabaseSync"}(`;
    expect(files.filter((path) => read(path).includes(opening)).sort()).toEqual(allowed.sort());
  });

  it.each([
    ['it.skip("x", () => {});', true],
    ['describe.skipIf(onWindows)("x", () => {});', true],
    ['it.runIf(isLinux).each([1])("x", () => {});', true],
    ['it.todo("x");', true],
    ['describe.only("x", () => {});', true],
    ['xit("x", () => {});', true],
    ['it("x", ({ skip }) => skip());', true],
    ['it("x", ({ skip }) => skip(isOld(node)));', true],
    ['it("x", ({ skip }) => skip(isOld(node), "this Node is too old"));', false],
    ['unless(it, onWindows, "no POSIX shell")("x", () => {});', false],
    ["clock.skip();", false],
    ["this.#skip();", false],
    ['expect(code).toBe("it.skip()");', false],
  ])("%s is a bare skip: %s", (code, expected) => {
    expect(isBare(code)).toBe(expected);
  });
});

/** Folders of `test` that are about the whole, not about a folder of `src`. */
const wholes = ["architecture", "build", "crash", "e2e", "examples", "helpers"];

/** The files of `src` that a test runs, itself or by its helpers. */
function sourcesOf(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const { imports } = parse(`../${path}`, read(path));
  return imports
    .filter(({ isOurs, isTypeOnly }) => isOurs && !isTypeOnly)
    .flatMap(({ target }) => {
      if (!target.startsWith("../")) return partsOf(target);
      const own = target.slice(3);
      return files.includes(own) ? sourcesOf(own, seen) : [];
    });
}

/** What an index gives, or the file itself. */
function partsOf(source: string): string[] {
  if (basename(source) !== "index.ts") return [source];
  const { imports } = parse(source, read(`src/${source}`));
  return imports.filter(({ isOurs }) => isOurs).map(({ target }) => target);
}

/**
 * Where the one source that a test is about has no test of its name beside this one. `base` is
 * used by all, and is not what a test of another folder is about.
 */
function strayFrom(path: string): string | undefined {
  const room = path.split("/")[1] ?? "";
  if (existsSync(join(root, mirrored(path)))) return undefined;
  const sources = new Set(
    sourcesOf(path).filter((source) => room === "base" || !source.startsWith("base/")),
  );
  const [source] = sources;
  if (sources.size !== 1 || source === undefined) return undefined;
  const expected = `test/${source.replace(/\.ts$/, ".test.ts")}`;
  const isBeside = dirname(expected) === dirname(path) && files.includes(expected);
  return isBeside ? undefined : `${path} is about src/${source}: ${expected}`;
}

function mirrored(path: string): string {
  return path.replace(/^test\//, "src/").replace(/\.test\.ts$/, ".ts");
}

describe("a test's path", () => {
  const tests = files.filter(
    (path) => path.endsWith(".test.ts") && path.split("/").length > 2 && !isOfWhole(path),
  );

  it("mirrors its source where it is about one; further tests of that lie beside it", () => {
    expect(tests.map((path) => strayFrom(path)).filter((stray) => stray !== undefined)).toEqual([]);
  });

  it("lies in a folder of src, or in one that is about the whole", () => {
    const folders = new Set(tests.map((path) => path.split("/")[1] ?? ""));
    expect([...folders].filter((name) => !existsSync(join(root, "src", name)))).toEqual([]);
  });
});

function isOfWhole(path: string): boolean {
  return wholes.includes(path.split("/")[1] ?? "");
}
