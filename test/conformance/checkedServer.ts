// What the tests of the kit share: servers of ours, and what fails in them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import type { Framing } from "../../src/conformance/frames.js";
import type { requirements } from "../../src/conformance/requirements.js";
import { runChecks } from "../../src/conformance/runChecks.js";
import { type Launch, launchCommands } from "../../src/conformance/serverPipes.js";

/** Starts our built server, with an empty configuration in `folder`. */
export function launchOurs(folder: string): Launch {
  const configDir = join(folder, "config");
  mkdirSync(configDir, { recursive: true });
  writeFileSync(join(configDir, "config.json"), "{}\n");
  const serve = [
    process.execPath,
    inject("serverScript"),
    "serve",
    "--max-message-bytes",
    "300000",
  ];
  return launchCommands({ first: serve, configDir, env: { PATH: process.env.PATH } });
}

/** The requirements that do not pass, each with the reason. */
export async function failuresOf(
  launch: Launch,
  chosen: typeof requirements,
  { framing = "ndjson", patienceMs = 15_000 }: { framing?: Framing; patienceMs?: number } = {},
): Promise<readonly string[]> {
  const results = await runChecks({
    requirements: chosen,
    framing,
    launch,
    patienceMs,
    hasSecondCommand: true,
    onResult: () => {},
  });
  return results
    .filter(({ outcome }) => outcome !== "passed")
    .map(({ requirement, reason }) => `${requirement.id}: ${reason}`);
}
