import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const launcher = new URL("../bin/turnwire.js", import.meta.url).pathname;
let dataDirectory: string;

beforeAll(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), "readme-"));
});
afterAll(() => {
  rmSync(dataDirectory, { recursive: true, force: true });
});

/** The blocks of the exchange, in order: what goes in, what comes out. */
function exchange(): { kind: "in" | "out"; lines: string[] }[] {
  return [...readme.matchAll(/<!-- exchange:(in|out) -->\n```json\n([\s\S]*?)\n```/g)].map(
    ([, kind = "", block = ""]) => ({ kind: kind as "in" | "out", lines: block.split("\n") }),
  );
}

/** A line of the README as a pattern: `…` stands for anything. */
function pattern(line: string): RegExp {
  const escaped = line.split("…").map((piece) => piece.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`);
}

test("the exchange of the README can be pasted, and its lines come back as written", async () => {
  const server = spawn(
    process.execPath,
    [launcher, "serve", "--data-dir", dataDirectory, "--log-level", "warn"],
    {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, XDG_CONFIG_HOME: dataDirectory, HOME: dataDirectory },
    },
  );
  const exited = new Promise<number | null>((resolve) => server.on("exit", resolve));
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const blocks = exchange();
  expect(blocks.map(({ kind }) => kind)).toEqual(["in", "out", "in", "out", "in"]);
  for (const { kind, lines: expected } of blocks) {
    if (kind === "in") {
      server.stdin.write(`${expected.join("\n")}\n`);
      continue;
    }
    const received: string[] = [];
    for (const _ of expected) received.push(String((await lines.next()).value));
    // Requests run side by side: the order of their answers is nobody's promise.
    for (const line of expected) {
      expect(received.filter((got) => pattern(line).test(got))).toHaveLength(1);
    }
  }
  expect(await exited).toBe(0);
});

test("the first two sh blocks of the README are its two commands, a line each", () => {
  const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)\n```/g)].map(([, block = ""]) => block);
  expect(blocks[0]?.split("\n")).toHaveLength(1);
  expect(blocks[0]).toMatch(/^npm ci && node bin\/turnwire\.js run /);
  expect(blocks[1]).toBe("npm ci && npm test");
});
