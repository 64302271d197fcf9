// protocol.md section 4, Options of a run, as `turnwire run` asks for them.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createHarness, type Harness } from "./runHarness.js";

let harness: Harness;
beforeEach(() => {
  harness = createHarness();
});
afterEach(() => harness.remove());

const make = (name: string) => `@tool bash ${JSON.stringify({ command: `mkdir ${name}` })}`;
const made = (name: string) => existsSync(join(harness.folder, name));

it("`--allow` and `--deny` narrow the run, over `--permission-mode allow`", async () => {
  const flags = { allow: ["bash:mkdir *"], deny: ["bash:mkdir b"] };
  const prompt = `${make("a")}\n${make("b")}`;
  expect(
    await harness.run({ prompt, permissionMode: "allow", cwd: harness.folder, ...flags }),
  ).toBe(0);
  expect([made("a"), made("b")]).toEqual([true, false]);
});

it("`--max-steps` ends it with 4", async () => {
  expect(await harness.run({ prompt: "@tool ls {}\n@say no", maxSteps: 1 })).toBe(4);
  expect(harness.stderrText()).toContain("limits.steps");
});

it("`--output-schema` prints the value, and fails with 1 where there is none", async () => {
  const file = join(harness.folder, "schema.json");
  writeFileSync(file, JSON.stringify({ type: "object", required: ["n"] }));
  expect(await harness.run({ prompt: '@output {"n": 1}', outputSchema: file })).toBe(0);
  expect(harness.stdoutText()).toBe('{"n":1}\n');
  const other = createHarness();
  expect(await other.run({ prompt: "@say none", outputSchema: file })).toBe(1);
  other.remove();
});

it("a file of `--output-schema` that is no JSON object is bad usage", async () => {
  const file = join(harness.folder, "schema.json");
  for (const text of ["{", "[]"]) {
    writeFileSync(file, text);
    expect(await harness.run({ prompt: "@say x", outputSchema: file })).toBe(2);
  }
  expect(await harness.run({ prompt: "@say x", outputSchema: join(file, "none") })).toBe(2);
});

it("`--instructions`, `--effort` and `--max-cost` are taken", async () => {
  const flags = { instructions: "Be brief.", effort: "low", maxCost: 1 };
  expect(await harness.run({ prompt: "@say yes", ...flags })).toBe(0);
  expect(harness.stdoutText()).toBe("yes\n");
});
