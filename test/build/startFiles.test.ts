// What a server loads before it answers `initialize` decides how long an editor waits for it.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { initSync, parse } from "es-module-lexer";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { testNode } from "../helpers/testNode.js";
import { unless } from "../helpers/unless.js";

initSync();

let dist: string;
let home: string;

beforeAll(() => {
  expect(inject("buildError")).toBe("");
  const script = inject("serverScript");
  dist = script.endsWith("main.js") ? dirname(script) : join(dirname(script), "../dist");
  home = mkdtempSync(join(tmpdir(), "turnwire-start-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function greet(env: Record<string, string> = {}): { answer: unknown; stderr: string } {
  const { stdout, stderr } = spawnSync(testNode, [inject("serverScript"), "serve"], {
    input: '{"jsonrpc":"2.0","id":1,"method":"initialize"}\n',
    env: { PATH: process.env.PATH ?? "", HOME: home, XDG_STATE_HOME: home, ...env },
    encoding: "utf8",
  });
  return { answer: JSON.parse(stdout.split("\n")[0] ?? ""), stderr };
}

describe("the file that a server starts from", () => {
  it("has neither a provider, nor the agent, nor the parser, nor zod's languages and JSON Schema, nor the log's library", () => {
    const main = readFileSync(join(dist, "main.cjs"), "utf8");
    for (const absent of [
      "@ai-sdk",
      "outputHelpIfRequested",
      "You write titles.",
      "Ungültige Eingabe",
      "Non-representable type encountered",
      "safe-stable",
    ]) {
      expect(main.includes(absent), absent).toBe(false);
    }
    expect(statSync(join(dist, "main.cjs")).size).toBeLessThan(660_000);
  });

  it("is ASCII, which is how it is read", () => {
    for (const name of readdirSync(dist).filter((file) => file.endsWith(".cjs"))) {
      expect(/^[\0-\x7f]*$/.test(readFileSync(join(dist, name), "utf8")), name).toBe(true);
    }
  });

  it("loads nothing by `import()`, which code that was compiled before cannot do", () => {
    for (const name of readdirSync(dist).filter((file) => /^(?!load).*\.cjs$/.test(file))) {
      const [imports] = parse(readFileSync(join(dist, name), "utf8"));
      expect(imports.filter(({ d }) => d >= 0)).toEqual([]);
    }
  });
});

unless(
  describe,
  process.env.NODE_V8_COVERAGE !== undefined,
  "with coverage nothing compiled is kept",
)("what was compiled before", () => {
  const answered = { answer: { id: 1, result: expect.anything() } };

  it("is kept in the user's cache folder, and a start with it answers the same", ({ skip }) => {
    const XDG_CACHE_HOME = join(home, "kept");
    expect(greet({ XDG_CACHE_HOME })).toMatchObject(answered);
    skip(inject("serverScript").endsWith("main.js"), "only the launcher keeps it");
    expect(readdirSync(join(XDG_CACHE_HOME, "turnwire"))).not.toEqual([]);
    expect(greet({ XDG_CACHE_HOME })).toMatchObject(answered);
  });

  it("is not used where it is damaged", ({ skip }) => {
    const XDG_CACHE_HOME = join(home, "damaged");
    greet({ XDG_CACHE_HOME });
    skip(inject("serverScript").endsWith("main.js"), "only the launcher keeps it");
    const folder = join(XDG_CACHE_HOME, "turnwire");
    for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const file = join(folder, entry);
      if (!statSync(file).isFile()) continue;
      const bytes = readFileSync(file);
      bytes.fill(0x5a, bytes.length >> 1);
      writeFileSync(file, bytes);
    }
    expect(greet({ XDG_CACHE_HOME })).toMatchObject(answered);
  });

  it("may be impossible to keep", () => {
    const file = join(home, "no-folder");
    writeFileSync(file, "");
    expect(greet({ XDG_CACHE_HOME: file })).toMatchObject(answered);
    expect(greet({ NODE_DISABLE_COMPILE_CACHE: "1" })).toMatchObject(answered);
  });
});

unless(
  describe,
  process.platform === "win32",
  "no limit of descriptors that can be set",
)("what is loaded late, with few file descriptors", () => {
  /** A build with the files of one part alone, and with nothing in those that it shares with the start. */
  function onePart(): { folder: string; path: string; files: readonly string[] } {
    const folder = mkdtempSync(join(home, "part-"));
    mkdirSync(join(folder, "chunks"));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const { filesOf } = createRequire(import.meta.url)(join(dist, "parts.cjs"));
    // An earlier build may have left files of other parts.
    const [path = "", files = []] =
      readdirSync(join(dist, "chunks"))
        .filter((file) => file.startsWith("acpEngine-"))
        .map((file): [string, string[]] => [`./chunks/${file}`, filesOf(`./chunks/${file}`)])
        .find(([, found]) => found.length > 0) ?? [];
    for (const file of [...files, "load.cjs", "parts.cjs"]) {
      copyFileSync(join(dist, file), join(folder, file));
    }
    const anything = `const anything = new Proxy(function () {}, {
      get: (_, name) => (name === Symbol.toPrimitive ? () => "" : anything),
      apply: () => anything,
      construct: () => anything,
    });
    exports.load = () => anything;`;
    writeFileSync(join(folder, "compiled.cjs"), anything);
    for (const file of readdirSync(dist).filter((one) => one.endsWith(".cjs"))) {
      if (!existsSync(join(folder, file))) writeFileSync(join(folder, file), "");
    }
    return { folder, path, files };
  }

  const script = `
    const { closeSync, openSync } = require("node:fs");
    const [, folder, path, free, freedLater] = process.argv;
    const { later } = require(folder + "/load.cjs");
    const held = [];
    try {
      for (;;) held.push(openSync(folder + "/load.cjs"));
    } catch {
      held.splice(0, Number(free)).forEach(closeSync);
    }
    setTimeout(() => held.splice(0, Number(freedLater)).forEach(closeSync), 200);
    later(path).then(
      (part) => console.log(Object.keys(part).length > 0 ? "loaded" : "empty"),
      (error) => console.log(String(error)),
    );
  `;

  it.each([
    ["14 are free", 14, 0],
    ["8 are free", 8, 0],
    ["some are free after a while", 0, 8],
  ])("is loaded where %s", (_, free, freedLater) => {
    const { folder, path, files } = onePart();
    expect(files.length).toBeGreaterThan(20);
    const line = `ulimit -n 80; exec "$0" -e "$1" "$2" "$3" ${free} ${freedLater}`;
    const args = ["-c", line, testNode, script, folder, path];
    const { stdout, stderr } = spawnSync("/bin/sh", args, { encoding: "utf8" });
    expect(stdout + stderr).toBe("loaded\n");
  });
});
