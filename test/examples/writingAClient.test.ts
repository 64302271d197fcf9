import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { createSandbox, type Sandbox } from "./sandbox.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(`${root}docs/writing-a-client.md`, "utf8");

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = createSandbox();
});

afterEach(() => sandbox.remove());

describe("docs/writing-a-client.md", () => {
  const all = [...page.matchAll(/```(c?js|python)\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
    ([, language = "", code = "", output = ""], index) => ({
      language,
      code,
      output,
      number: index + 1,
    }),
  );
  const programs = all.filter(({ language }) => language !== "python");

  it("shows with every program what it prints", () => {
    expect(all).toHaveLength(page.split(/```(?:c?js|python)\n/).length - 1);
    expect(programs.length).toBeGreaterThan(3);
  });

  it.each(programs)("program $number ($language) prints what it says", async (program) => {
    const ending = program.language === "cjs" ? "cjs" : "mjs";
    expect(await sandbox.runCode(program.code, ending)).toBe(program.output);
  });

  unless(
    it,
    onWindows ||
      spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).status !== 0,
    "there is no Python 3.8 here",
  )("has a program in Python that prints what it says", () => {
    const folder = join(sandbox.folder, "bin");
    mkdirSync(folder);
    const launcher = `#!/bin/sh\nexec "${process.execPath}" "${root}bin/turnwire.js" "$@"\n`;
    writeFileSync(join(folder, "turnwire"), launcher, { mode: 0o755 });
    const env = { ...sandbox.env, PATH: `${folder}:${process.env.PATH}` };
    const told = all
      .filter(({ language }) => language === "python")
      .map(({ code, output }) => ({
        output,
        stdout: spawnSync("python3", ["-c", code], { cwd: sandbox.folder, env, encoding: "utf8" })
          .stdout,
      }));
    expect(told.length).toBeGreaterThan(0);
    for (const { output, stdout } of told) expect(stdout).toBe(output);
  });

  it("shows an exchange that a server really has", async () => {
    const exchange = /```exchange\n([\s\S]*?)\n```/.exec(page)?.[1]?.split("\n") ?? [];
    const server = spawn(process.execPath, [`${root}bin/turnwire.js`, "serve"], {
      cwd: sandbox.folder,
      env: sandbox.env,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const exited = once(server, "exit");
    await play(exchange, server);
    expect(await exited).toEqual([0, null]);
  });
});

/** Sends what begins with `>`, and waits for what begins with `<`. */
async function play(exchange: readonly string[], server: ChildProcess): Promise<void> {
  if (!server.stdin || !server.stdout) throw new Error("the server has no streams");
  const received = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const known = new Map<string, string>();
  for (const line of exchange) {
    const text = line.slice(2);
    if (line.startsWith(">")) {
      server.stdin.write(`${text.replace(/<(\w+)>/g, (_, name) => known.get(name) ?? "?")}\n`);
      continue;
    }
    const expected: unknown = JSON.parse(text);
    for (;;) {
      const { value, done } = await received.next();
      if (done) throw new Error(`the server never sent ${text}`);
      // Events that the page leaves out come in between.
      if (matches(JSON.parse(value), expected, known)) break;
    }
  }
}

/** Whether `actual` has all that `expected` shows; learns what `<name>` stands for. */
function matches(actual: unknown, expected: unknown, known: Map<string, string>): boolean {
  if (expected === "…") return true;
  const name = typeof expected === "string" ? /^<(\w+)>$/.exec(expected)?.[1] : undefined;
  if (name !== undefined) {
    if (!known.has(name)) known.set(name, String(actual));
    return known.get(name) === actual;
  }
  if (typeof expected !== "object" || expected === null) return actual === expected;
  if (typeof actual !== "object" || actual === null) return false;
  const fields = new Map(Object.entries(actual));
  return Object.entries(expected).every(([key, value]) => matches(fields.get(key), value, known));
}
