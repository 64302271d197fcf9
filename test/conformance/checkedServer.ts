// What the tests of the kit share: servers of ours, and what fails in them.
import { join } from "node:path";
import { inject } from "vitest";
import { writeConfigDirs } from "../../src/conformance/configDirs.js";
import type { Framing } from "../../src/conformance/frames.js";
import type { requirements } from "../../src/conformance/requirements.js";
import { runChecks } from "../../src/conformance/runChecks.js";
import type { ScriptedProvider } from "../../src/conformance/scriptedProvider.js";
import { type Launch, launchCommands, type Model } from "../../src/conformance/serverPipes.js";
import { compiledEnvironment } from "../helpers/runFolder.js";

/** Starts our built server, with a configuration in `folder` that has the kit's provider. */
export async function launchOurs(folder: string, provider: ScriptedProvider): Promise<Launch> {
  const configDirs = await writeConfigDirs(join(folder, "config"), provider.url);
  const serve = [
    process.execPath,
    inject("serverScript"),
    "serve",
    "--max-message-bytes",
    "300000",
  ];
  const env = { PATH: process.env.PATH, ...compiledEnvironment() };
  return launchCommands({ first: serve, configDirs, providerUrl: provider.url, env });
}

/** How a server is checked. */
export interface Checked {
  readonly provider: ScriptedProvider;
  readonly framing?: Framing;
  readonly model?: Model;
  readonly patienceMs?: number;
}

/** The requirements that do not pass, each with the reason. */
export async function failuresOf(
  launch: Launch,
  chosen: typeof requirements,
  { framing = "ndjson", patienceMs = 45_000, ...rest }: Checked,
): Promise<readonly string[]> {
  const results = await runChecks({
    requirements: chosen,
    framing,
    launch,
    patienceMs,
    ...rest,
    hasSecondCommand: true,
    onResult: () => {},
  });
  return results
    .filter(({ outcome }) => outcome !== "passed")
    .map(({ requirement, reason }) => `${requirement.id}: ${reason}`);
}
