// The kit before a server that shares nothing with ours: examples/minimal-server.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { requirements } from "../../src/conformance/requirements.js";
import { runChecks } from "../../src/conformance/runChecks.js";
import { ScriptedProvider } from "../../src/conformance/scriptedProvider.js";
import { launchCommands } from "../../src/conformance/serverPipes.js";
import { onWindows, unless } from "../helpers/unless.js";

const folder = mkdtempSync(join(tmpdir(), "turnwire-minimal-test-"));
const example = fileURLToPath(new URL("../../examples/minimal-server", import.meta.url));
const provider = await ScriptedProvider.start();

afterAll(async () => {
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The server asks for Python 3.9, and for pipes that can be waited for. */
function hasPython(): boolean {
  try {
    const isNew = "import sys; sys.exit(sys.version_info < (3, 9))";
    execFileSync("python3", ["-c", isNew], { stdio: "ignore" });
    return !onWindows;
  } catch {
    return false;
  }
}

const reason = "examples/minimal-server needs Python 3.9, on Linux or macOS";

unless(
  it,
  !hasPython(),
  reason,
)("passes the levels that it claims", async () => {
  const launch = launchCommands({
    first: ["python3", join(example, "server.py")],
    configDirs: { offline: folder, provider: folder },
    providerUrl: provider.url,
    env: { PATH: process.env.PATH },
  });
  const results = await runChecks({
    requirements,
    framing: "header",
    launch,
    provider,
    hasSecondCommand: true,
    onResult: () => {},
  });
  const told = (outcome: string) =>
    results
      .filter((each) => each.outcome === outcome)
      .map((each) => `${each.requirement.id}: ${each.reason}`);
  expect(told("failed")).toEqual([]);
  // What it does not claim is all that is skipped.
  const isUnclaimed = /: the server (does not claim the level (shared|daemon)|has no \w+)/;
  expect(told("skipped").filter((each) => !isUnclaimed.test(each))).toEqual([]);
  const claimed = requirements.filter(
    ({ group, needs, framing }) =>
      (group === "core" || group === "durable") && !needs && framing !== "ndjson",
  );
  expect(told("passed").length).toBeGreaterThanOrEqual(claimed.length);
});

it("has a README that is read in a minute", () => {
  const lines = readFileSync(join(example, "README.md"), "utf8").trimEnd().split("\n");
  expect(lines.length).toBeLessThan(60);
});
