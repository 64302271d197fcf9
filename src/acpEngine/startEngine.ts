import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { EngineProgram } from "../config/types.js";
import type { ProcessHost } from "../process/processHost.js";
import type { StartAgentProgram } from "./agentProcess.js";
import { EngineAgent } from "./engineAgent.js";

/** What starting an engine's program needs. */
interface StartEngineOptions {
  /** This program's version. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Watches over the program. */
  readonly host: ProcessHost;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly workspacePath: string;
  /** What starts the program. Absent: it is a child process. */
  readonly startProgram?: StartAgentProgram | undefined;
  /** Aborted when the program is not wanted any more. */
  readonly signal?: AbortSignal;
}

/**
 * Starts the program of an engine and asks what it can. The caller ends it.
 *
 * @throws AgentGone if it cannot be started or ends at once; AgentRefused if it refuses; the signal's
 * reason.
 */
export function startEngine(
  program: EngineProgram,
  { version, ...options }: StartEngineOptions,
): Promise<EngineAgent> {
  const secrets = Object.values(program.env);
  const clientInfo = { name: "turnwire", version };
  return EngineAgent.start({ ...options, command: program.command, secrets }, clientInfo);
}
