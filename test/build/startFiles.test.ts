// What a server loads before it answers `initialize` decides how long an editor waits for it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
