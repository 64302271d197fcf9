// docs/fleet.md: its three commands make a fleet.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { launcher, offlineEnvironment } from "../cli/runHarness.js";
import { freePort, noNats } from "../helpers/natsServer.js";
import { unless } from "../helpers/unless.js";

const page = readFileSync(new URL("../../docs/fleet.md", import.meta.url), "utf8");

let root: string;
let children: ChildProcess[];
beforeEach(() => {
  children = [];
  root = mkdtempSync(join(tmpdir(), "turnwire-fleet-"));
  mkdirSync(join(root, "bin"));
  const program = join(root, "bin", "turnwire");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
  chmodSync(program, 0o755);
});
afterEach(async () => {
  for (const child of children.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
  rmSync(root, { recursive: true, force: true });
});

/** Runs a line of the page; resolves when it says `sign`, or when it ends. */
async function run(line: string, sign: string): Promise<string> {
  const child = spawn("sh", ["-c", `exec ${line}`], {
    cwd: root,
    env: {
      ...process.env,
      ...offlineEnvironment(root),
      TURNWIRE_CONFIG: "",
      PATH: `${join(root, "bin")}:${process.env.PATH}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  await new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        if (output.includes(sign)) resolve();
      });
    }
  });
  return output;
}

unless(
  it,
  noNats !== undefined,
  noNats ?? "",
)("three commands make a fleet", async () => {
  const block = /## Three commands[\s\S]*?```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const lines = block.trim().split("\n");
  expect(lines).toHaveLength(3);
  const port = String(await freePort());
  const [server = "", worker = "", prompt = ""] = lines.map((line) =>
    line.replaceAll("4222", port),
  );
  expect(await run(server, "Server is ready")).toContain("Server is ready");
  expect(await run(worker, "takes prompts")).toContain("takes prompts");
  const told = JSON.parse(await run(prompt, "\n"));
  expect(told).toMatchObject({
    turnwirerunid: "r-1",
    data: { status: "succeeded", text: "It runs." },
  });
});
