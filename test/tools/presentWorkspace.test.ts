import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { openWorkbench, type Workbench } from "./workbench.js";

const calls: [string, object][] = [
  ["bash", { command: "echo ran >ran" }],
  ["bash", { command: "echo ran >ran", background: true }],
  ["read", { path: "a" }],
  ["ls", {}],
  ["glob", { pattern: "**" }],
  ["grep", { pattern: "a" }],
  ["write", { path: "new/a", content: "x" }],
  ["edit", { path: "a", edits: [{ oldText: "x", newText: "y" }] }],
];

const changes: Readonly<Record<string, (bench: Workbench) => Promise<string>>> = {
  deleted: async ({ workspace }) => {
    await rm(workspace, { recursive: true });
    return "is not there any more";
  },
  "deleted with the folder above it": async ({ workspace }) => {
    await rm(dirname(workspace), { recursive: true });
    return "is not there any more";
  },
  "replaced by a file": async ({ workspace }) => {
    await rm(workspace, { recursive: true });
    await writeFile(workspace, "x");
    return "was replaced by a file";
  },
  "replaced by a link": async ({ workspace, outside }) => {
    await rename(workspace, join(outside, "moved"));
    await symlink(join(outside, "moved"), workspace);
    return "was replaced by a link";
  },
};

describe.each(Object.entries(changes))("where the workspace was %s", (_, change) => {
  test.each(calls)("%s %j says so and does nothing", async (name, input) => {
    const bench = await openWorkbench();
    await bench.write("a", "x\n");
    const said = await change(bench);
    const { output, isError } = await bench.run(name, input);
    expect(output).toContain(`${bench.workspace} ${said}`);
    expect(isError).toBe(true);
    expect(bench.needs).toEqual([]);
    // Neither the data directory nor what the shell is set up with is anybody's business.
    expect(output).not.toMatch(/outputs|ulimit|trap|eval/);
    const left = await readdir(dirname(bench.workspace), { recursive: true }).catch(() => []);
    expect(left.filter((path) => /ran|new|outputs/.test(path))).toEqual([]);
  });
});

test("another folder in its place is the workspace", async () => {
  const bench = await openWorkbench();
  await rm(bench.workspace, { recursive: true });
  await mkdir(bench.workspace);
  expect(await bench.run("write", { path: "a", content: "x" })).toMatchObject({
    output: expect.stringContaining("Created a"),
  });
  expect(await bench.run("bash", { command: "cat a" })).toMatchObject({ output: "x" });
});
