// A deny rule holds for what a search finds, not only for the path that it is given.

import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { createPermissionGate, OpenQuestions, SessionGrants } from "../../src/permissions/index.js";
import { findProgram } from "../../src/process/findProgram.js";
import { grepTool } from "../../src/tools/grep.js";
import type { ToolContext } from "../../src/tools/tool.js";
import { unless } from "../helpers/unless.js";
import { openWorkbench } from "./workbench.js";

/** A project, and its tools under deny rules. */
async function openProject(...deny: string[]) {
  const bench = await openWorkbench();
  await bench.write(".env", "needle env\n");
  await bench.write("src/a.ts", "needle a\n");
  await bench.write("src/.env", "needle src env\n");
  await bench.write("secret/key.pem", "needle key\n");
  await bench.write("secret/deep/b.ts", "needle b\n");
  await symlink("../secret/key.pem", join(bench.workspace, "src", "way.pem"));
  await symlink("secret", join(bench.workspace, "alias"));
  const rules = { allow: [], deny };
  const permissions = createPermissionGate({
    mode: () => "allow",
    rules: () => rules,
    sessionGrants: new SessionGrants(),
    openQuestions: new OpenQuestions(systemClock),
    ask: async () => undefined,
    log: silentLog,
    workspacePath: bench.workspace,
  });
  const context: Partial<ToolContext> = { permissions };
  return {
    bench,
    rules,
    run: (name: string, input: object) => bench.run(name, input, context),
    grep: async (ripgrep: boolean, input: object) => {
      const tool = grepTool({ ripgrep });
      return tool.execute(tool.inputSchema.parse(input), { ...bench.context, ...context });
    },
  };
}

const all = [".env", "secret/deep/b.ts", "secret/key.pem", "src/.env", "src/a.ts"];

const hasRipgrep = (await findProgram("rg", process.env.PATH)) !== undefined;

describe.each([{ ripgrep: false }, { ripgrep: true }])("grep %o", ({ ripgrep }) => {
  const it = unless(test, ripgrep && !hasRipgrep, "ripgrep (rg) is not installed");

  it.each<[string, string[]]>([
    ["read:nothing", all],
    ["read:**/.env", ["secret/deep/b.ts", "secret/key.pem", "src/a.ts"]],
    ["grep:**/.env", ["secret/deep/b.ts", "secret/key.pem", "src/a.ts"]],
    ["read:secret", [".env", "src/.env", "src/a.ts"]],
    ["read:secret/", [".env", "src/.env", "src/a.ts"]],
    ["grep:secret", [".env", "src/.env", "src/a.ts"]],
    ["grep:secret/*", [".env", "src/.env", "src/a.ts"]],
    ["read:secret/*", [".env", "secret/deep/b.ts", "src/.env", "src/a.ts"]],
    ["read:alias", [".env", "src/.env", "src/a.ts"]],
    ["read:src/way.pem", [".env", "secret/deep/b.ts", "src/.env", "src/a.ts"]],
    ["*:**/*.ts", [".env", "secret/key.pem", "src/.env"]],
    ["read:**", []],
    ["ls:**/a.ts", all],
  ])("under the rule %s finds %j", async (rule, expected) => {
    const { grep } = await openProject(rule);
    const { output } = await grep(ripgrep, { pattern: "needle" });
    const found = output.split("\n").flatMap((line) => /^(.+):1: /.exec(line)?.[1] ?? []);
    expect(found.sort()).toEqual(expected);
  });

  it("of one file minds the rules on reading, through a link as well", async () => {
    const { grep } = await openProject("read:secret/key.pem");
    for (const path of ["secret/key.pem", "src/way.pem", "alias/key.pem"]) {
      const result = await grep(ripgrep, { pattern: "needle", path });
      expect(result).toMatchObject({ isError: true, denied: true });
      expect(result.output).not.toContain("needle");
    }
  });
});

describe("glob", () => {
  test.each<[string, string[]]>([
    ["glob:**/.env", ["secret/deep/b.ts", "secret/key.pem", "src/a.ts", "src/way.pem", "alias"]],
    ["glob:secret", [".env", "src/.env", "src/a.ts", "src/way.pem", "alias"]],
    // Names are no contents.
    ["read:**", [...all, "src/way.pem", "alias"]],
    ["glob:**", []],
  ])("under the rule %s finds %j", async (rule, expected) => {
    const { run } = await openProject(rule);
    const { output } = await run("glob", { pattern: "**" });
    const found = output
      .split("\n")
      .filter((line) => all.concat("src/way.pem", "alias").includes(line));
    expect(found.sort()).toEqual([...expected].sort());
  });
});

describe("ls", () => {
  test("shows neither what is denied nor what is in it, nor that a link leads there", async () => {
    const { run } = await openProject("ls:secret", "ls:**/.env");
    const { output } = await run("ls", { depth: 5 });
    expect(output.split("\n")).toEqual(["./", "  alias", "  src/", "    a.ts", "    way.pem"]);
  });

  test("of a denied folder is refused, by a link as well", async () => {
    const { run } = await openProject("ls:secret");
    for (const path of ["secret", "alias", "secret/deep"]) {
      expect(await run("ls", { path })).toMatchObject({ isError: true, denied: true });
    }
  });
});

test("read minds a rule that names a link, and one that names its target", async () => {
  const { run } = await openProject("read:src/way.pem", "read:secret/deep");
  for (const path of ["src/way.pem", "secret/key.pem", "alias/deep/b.ts"]) {
    expect(await run("read", { path })).toMatchObject({ isError: true, denied: true });
  }
});

test("edit shows nothing of a file that may not be read any more", async () => {
  const { run, rules } = await openProject();
  expect((await run("read", { path: ".env" })).output).toContain("needle");
  rules.deny.push("read:.env");
  const edits = [{ oldText: "needle  env", newText: "x" }];
  const result = await run("edit", { path: ".env", edits });
  expect(result).toMatchObject({ isError: true, denied: true });
  expect(result.output).not.toContain("needle");
});

test("where rules cannot be read, a search finds nothing", async () => {
  const bench = await openWorkbench();
  await bench.write("a.txt", "needle");
  const permissions = createPermissionGate({
    mode: () => "allow",
    rules: () => Promise.reject(new Error("malformed")),
    sessionGrants: new SessionGrants(),
    openQuestions: new OpenQuestions(systemClock),
    ask: async () => undefined,
    log: silentLog,
  });
  const open = { permissions: { ...permissions, check: async () => ({ allowed: true }) as const } };
  expect((await bench.run("glob", { pattern: "*" }, open)).output).toContain("No file");
});
