// The file in which a command tells where it ends: nothing of it is left, whatever the command does.
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { endsFolder } from "../../src/base/endFiles.js";
import { OutputCollector } from "../../src/process/outputCollector.js";
import { Sandbox } from "../../src/process/sandbox/sandbox.js";
import { hasSandbox } from "../helpers/sandboxes.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openWorkbench, type Workbench } from "./workbench.js";

let bench: Workbench;
let outputs: string;
let onGuard: () => void;

beforeEach(async () => {
  onGuard = () => {};
  const guard = async () => {
    onGuard();
    return {};
  };
  bench = await openWorkbench({ guard });
  outputs = join(dirname(bench.workspace), "outputs");
});

const left = () => readdirSync(join(outputs, endsFolder));

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("the file that tells where a command ends", () => {
  test("is gone where the output of the command could not be kept", async () => {
    const broken = vi.spyOn(OutputCollector.prototype, "add");
    broken.mockRejectedValue(Object.assign(new Error("full"), { code: "ENOSPC" }));
    try {
      const command = "trap 'exit 1' TERM; echo x; while :; do sleep 0.01; done";
      await expect(bench.run("bash", { command })).rejects.toThrow("full");
    } finally {
      broken.mockRestore();
    }
    expect(left()).toEqual([]);
  });

  test.each([
    ["a link", 'ln -s /etc/passwd "$file"'],
    ["a folder", 'mkdir -p "$file/deep"'],
    ["a pipe", 'mkfifo "$file"'],
  ])("is gone where the command has made %s of it", async (_what, make) => {
    const name = `file=$(trap -p EXIT | tr -d '\\\\' | grep -o "/[^' ]*ses_1[^' ]*"); trap - EXIT`;
    await bench.run("bash", { command: `${name}; ${make}; echo "$file" >made` }).catch(() => {});
    expect((await readFile(join(bench.workspace, "made"), "utf8")).trim()).toMatch(/ses_1\.cmd/);
    expect(left()).toEqual([]);
    expect((await bench.run("bash", { command: "pwd" })).output).toBe(bench.workspace);
  });

  test("goes with its session where its server was killed", async () => {
    await bench.run("bash", { command: "true" });
    const names = ["ses_1.cmd_a", "ses_1%2E.cmd_b", "ses_12.cmd_c"];
    for (const name of names) writeFileSync(join(outputs, endsFolder, name), bench.workspace);
    await bench.resources.forgetSession("ses_1");
    expect(left().sort()).toEqual(names.slice(1).sort());
    await rm(outputs, { recursive: true });
    await bench.resources.forgetSession("ses_1");
  });

  test("has its folder where something else stood in its place", async () => {
    const place = join(outputs, endsFolder);
    mkdirSync(join(bench.workspace, "sub"));
    mkdirSync(outputs);
    const elsewhere = join(bench.outside, "elsewhere");
    mkdirSync(elsewhere);
    for (const put of [
      () => symlinkSync("/nonexistent/x", place),
      () => symlinkSync(elsewhere, place),
      () => writeFileSync(place, ""),
    ]) {
      await rm(place, { recursive: true, force: true });
      put();
      await bench.run("bash", { command: "cd sub" });
      const { output } = await bench.run("bash", { command: "pwd; cd ..; yes | head -c 40000" });
      expect(output).toContain(join(bench.workspace, "sub"));
      // What was too long can be read without a question.
      bench.needs.length = 0;
      await bench.run("read", { path: /read`: (.*)\]/.exec(output)?.[1] ?? "" });
      expect(bench.needs).toEqual([]);
    }
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

unless(
  describe,
  !hasSandbox(),
  "no sandbox can be had",
)("the file that tells where a command in the sandbox ends", () => {
  beforeEach(async () => {
    const wanted = { mode: "workspace-write", network: "none" } as const;
    bench.resources.confinement = await new Sandbox(
      {
        workspacePath: bench.workspace,
        workspaceFile: "turnwire.json",
        dataDirectory: outputs,
        configuration: { files: [], folders: [] },
      },
      process.env.PATH,
    ).confinement(wanted);
  });

  test("is gone where the command could not be started", async () => {
    const folder = join(bench.workspace, "sub");
    mkdirSync(folder);
    await bench.run("bash", { command: "cd sub" });
    expect((await bench.run("bash", { command: "pwd" })).output).toBe(folder);
    onGuard = () => {
      renameSync(folder, `${folder}-before`);
      symlinkSync("/", folder);
    };
    const pwd = bench.run("bash", { command: "pwd" });
    expect(await pwd).toMatchObject({
      isError: true,
      output: expect.stringContaining("another folder now"),
    });
    expect(left()).toEqual([]);
  });

  test("is not made for one in the background", async () => {
    await bench.run("bash", { command: "pwd; exit 4", background: true });
    const { output } = await bench.run("jobOutput", { jobId: "job1", waitMs: 60_000 });
    expect(output).toContain("exit code 4");
    expect(left()).toEqual([]);
  });
});
