// The question before a file is changed shows what will be applied, and nothing else is.
import { writeFile } from "node:fs/promises";
import { applyPatch } from "diff";
import { expect, test } from "vitest";
import { openWorkbench } from "./workbench.js";

const before = "one\ntwo\nthree\n";
const calls = [
  ["write", { path: "a.txt", content: "one\n2\nthree\n" }],
  ["edit", { path: "a.txt", edits: [{ oldText: "two", newText: "2" }] }],
] as const;

test.each(calls)("%s shows the diff that it then makes", async (tool, input) => {
  const bench = await openWorkbench();
  await bench.write("a.txt", before);
  await bench.run("read", { path: "a.txt" });
  const result = await bench.run(tool, input);
  const need = bench.needs.at(-1);
  expect(applyPatch(before, need?.diff ?? "")).toBe(await bench.text("a.txt"));
  expect(need).not.toHaveProperty("diffTruncated");
  expect(result.diff).toBe(need?.diff);
});

test.each(calls)(
  "%s fails where the file changed while the question was open",
  async (tool, input) => {
    const bench = await openWorkbench();
    const path = await bench.write("a.txt", before);
    await bench.run("read", { path: "a.txt" });
    bench.verdict = async ({ action }) => {
      if (action === "write") await writeFile(path, "somebody else's\n");
      return { allowed: true };
    };
    const result = await bench.run(tool, input);
    expect(result).toMatchObject({ isError: true });
    expect(result.output).toContain("changed by somebody else");
    expect(await bench.text("a.txt")).toBe("somebody else's\n");
  },
);

test("a new file is shown as one, and of what is too long the beginning", async () => {
  const bench = await openWorkbench();
  await bench.run("write", { path: "new.txt", content: "one\n" });
  expect(bench.needs.at(-1)?.diff).toContain("--- /dev/null");
  await bench.run("write", { path: "long.txt", content: "a line\n".repeat(50_000) });
  const need = bench.needs.at(-1);
  expect(need).toMatchObject({ diffTruncated: true });
  expect(need?.diff?.length).toBeLessThanOrEqual(100_000);
});

test("nothing is told of a file outside that was not read", async () => {
  const bench = await openWorkbench();
  await writeFile(`${bench.outside}/secret.txt`, "secret\n");
  bench.verdict = () => ({ allowed: false, message: "no" });
  await bench.run("write", { path: `${bench.outside}/secret.txt`, content: "x" });
  expect(bench.needs).toHaveLength(1);
  expect(bench.needs[0]).not.toHaveProperty("diff");
});
