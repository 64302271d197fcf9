/** Starts each engine of the configuration, asks what it can, and ends it: for `doctor --probe`. */
import type { EngineAgent } from "../acpEngine/engineAgent.js";
import { startEngine } from "../acpEngine/startEngine.js";
import { messageOf } from "../base/errors.js";
import { silentLog } from "../base/log.js";
import type { EngineProgram } from "../config/types.js";
import { toolEnvironment } from "../process/environment.js";
import { ProcessHost } from "../process/processHost.js";
import type { ProbeResult, ProbeSurroundings } from "./probeResult.js";

/** Never rejects. */
export async function probeEngines(given: ProbeSurroundings): Promise<readonly ProbeResult[]> {
  const { config, clock, ids } = given;
  const engines = Object.entries(config.engines);
  if (engines.length === 0) return [];
  const host = new ProcessHost({ clock, ids, log: silentLog });
  try {
    return await Promise.all(
      engines.map(([name, program]) => probeEngine(name, program, given, host)),
    );
  } finally {
    await host.close();
  }
}

/** Never rejects. */
async function probeEngine(
  name: string,
  program: EngineProgram,
  { config, env, workspacePath, version, clock }: ProbeSurroundings,
  host: ProcessHost,
): Promise<ProbeResult> {
  const begun = clock.now();
  const ended = () => ({ kind: "engine", name, milliseconds: clock.now() - begun });
  let agent: EngineAgent | undefined;
  try {
    if (workspacePath === undefined)
      throw new Error("the folder in which this was started is gone");
    agent = await startEngine(program, {
      env: { ...toolEnvironment(env, config.secretVariables, {}), ...program.env },
      workspacePath,
      version,
      clock,
      log: silentLog,
      host,
    });
    const result = { ...ended(), ok: true, text: abilitiesOf(agent) } as const;
    await agent.end();
    return result;
  } catch (error) {
    return { ...ended(), ok: false, text: `it does not start: ${messageOf(error)}` };
  }
}

/** What the agent says of itself. Whether it is logged in, only a prompt would show. */
function abilitiesOf({ abilities }: EngineAgent): string {
  const { name, version, loadSession, resume, images, httpServers, steering } = abilities;
  const said = [name, version].filter((one) => one !== undefined).join(" ");
  return [
    ...(said === "" ? [] : [said]),
    loadSession || resume
      ? "goes on in its sessions"
      : "does not load sessions, so each start begins a new one",
    ...(images ? ["images"] : []),
    ...(httpServers ? ["tool servers over HTTP"] : []),
    ...(steering ? ["takes prompts in a running turn"] : []),
  ].join(", ");
}
