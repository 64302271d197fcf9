import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { isAlive, openWorkbench, until } from "../tools/workbench.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Builds the stand-in where its imports of packages resolve. */
async function buildServer(): Promise<string> {
  const folder = join(here, "../../node_modules/.cache");
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `reaperServer-${process.pid}.mjs`);
  await build({
    entryPoints: [join(here, "reaperServer.ts")],
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

unless(
  test,
  onWindows,
  "no reaper on Windows",
)("no command outlives a server that gets SIGKILL, nor does what watched over it", async () => {
  const bench = await openWorkbench();
  const command = [
    "echo $$",
    "sleep 300 & echo $!",
    "setsid sleep 300 >/dev/null 2>&1 & echo $!",
    "env -i setsid sleep 300 >/dev/null 2>&1 & echo $!",
    "wait",
  ].join("; ");
  const server = spawn(
    process.execPath,
    [await buildServer(), bench.workspace, bench.outside, command],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  server.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  const pids = () => output.trim().split("\n").map(Number);
  await until(() => pids().length === 4);
  for (const pid of pids()) expect(await isAlive(pid)).toBe(true);
  server.kill("SIGKILL");
  await once(server, "exit");
  const meant = process.platform === "linux" ? pids() : pids().slice(0, 2);
  for (const pid of meant) await until(async () => !(await isAlive(pid)));
});

unless(
  test,
  onWindows,
  "no reaper on Windows",
)("disposing ends the reaper itself", async () => {
  const bench = await openWorkbench();
  await bench.run("bash", { command: "true" });
  const { reaper } = bench.resources.host;
  await reaper.close();
  await expect(reaper.close()).resolves.toBeUndefined();
});
