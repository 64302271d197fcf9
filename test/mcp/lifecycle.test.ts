// Real processes that die, hang and are left behind.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { isAlive, until } from "../tools/workbench.js";
import { openWorkshop, serverScript, stdio } from "./workshop.js";

const down = "a tool server is down; it is started again";

test("a server that crashes in a call fails the call, and is there again a second later", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ test: stdio() });
  const first = await workshop.pid();
  const crash = await workshop.call("mcp__test__crash");
  expect(crash.isError).toBe(true);
  expect(crash.output).toContain("it ended (exit code 7)");
  await until(() => workshop.logged(down).length === 1);
  expect(workshop.logged(down)[0]?.fields).toEqual({
    server: "test",
    reason: "it ended (exit code 7); its last words: everything is lost",
    waitMs: 1000,
  });
  await workshop.untilOffered("mcp__test__echo");
  expect(await workshop.pid()).not.toBe(first);
});

test("a program that is not there, or ends at once, is told with the reason", async () => {
  const workshop = await openWorkshop();
  workshop.configure({
    missing: { command: "no-such-program-anywhere", args: [], env: {} },
    dies: stdio(["--die"]),
  });
  expect(await workshop.names()).toEqual([]);
  const reasons = workshop.logged(down).map(({ fields }) => [fields.server, fields.reason]);
  expect(reasons).toContainEqual([
    "missing",
    expect.stringMatching(/it cannot be started: .*ENOENT/),
  ]);
  expect(reasons).toContainEqual([
    "dies",
    "it ended (exit code 7); its last words: everything is lost",
  ]);
});

test("a server that answers nothing is ended with the workspace", async () => {
  const workshop = await openWorkshop();
  const mark = `${process.pid}-${Date.now()}`;
  workshop.configure({ test: stdio(["--hang", mark]) });
  const cancel = new AbortController();
  const tools = workshop.tools(cancel.signal);
  cancel.abort();
  await expect(tools).rejects.toThrow();
  await workshop.servers.dispose();
  expect(workshop.logged("a tool server did not end")).toEqual([]);
  const { processesWith } = await import("../helpers/processList.js");
  expect(processesWith(mark)).toEqual([]);
});

test("an endless message ends the server that sends it", async () => {
  const workshop = await openWorkshop();
  const script = 'process.stdout.write("x".repeat(17 * 1024 * 1024)); process.stdin.resume();';
  workshop.configure({ test: { command: process.execPath, args: ["-e", script], env: {} } });
  expect(await workshop.names()).toEqual([]);
  expect(workshop.logged(down)[0]?.fields.reason).toBe(
    "it sent a message of more than 16777216 bytes",
  );
});

unless(
  test,
  onWindows,
  "Windows has no SIGKILL and no process groups",
)("no tool server outlives an owner that gets SIGKILL, nor does what it began", async () => {
  const workshop = await openWorkshop();
  const owner = spawn(process.execPath, [await buildOwner(), workshop.workspace, serverScript], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  owner.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  await until(() => output.includes("\n"));
  const pids: number[] = JSON.parse(output);
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(await isAlive(pid)).toBe(true);
  owner.kill("SIGKILL");
  await once(owner, "exit");
  const meant = process.platform === "linux" ? pids : pids.slice(0, 1);
  for (const pid of meant) await until(async () => !(await isAlive(pid)));
});

/** Builds a stand-in for the server, where its imports of packages resolve. */
async function buildOwner(): Promise<string> {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const folder = join(here, "../../node_modules/.cache");
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `toolServerOwner-${process.pid}.mjs`);
  await build({
    entryPoints: [join(here, "owner.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  onTestFinished(() => rm(outfile, { force: true }));
  return outfile;
}
