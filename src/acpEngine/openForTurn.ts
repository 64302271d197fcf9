import type { TurnRequest } from "../engine/engine.js";
import { secretsOf, serversFor, type WantedServers } from "./agentServers.js";
import type { EngineAgent } from "./engineAgent.js";
import { type OpenedSession, openOwnSession } from "./openOwnSession.js";

/** What opening needs of the turn. */
interface Wanted {
  readonly engine: string;
  readonly workspacePath: string;
  readonly servers: WantedServers;
}

/**
 * Opens the agent's own session with the tool servers of the run, and warns of what it cannot have.
 *
 * @throws DomainError `EngineFailed` if the session's own servers are of a kind that the agent does not
 * know; AgentRefused, AgentGone; the signal's reason.
 */
export async function openForTurn(
  agent: EngineAgent,
  { history, ownSession: note, sink }: TurnRequest,
  { engine, workspacePath, servers: wanted }: Wanted,
  signal: AbortSignal,
): Promise<OpenedSession> {
  const { told: servers, leftOut } = serversFor(engine, wanted, agent.abilities);
  agent.keepSecret(secretsOf(wanted));
  for (const name of leftOut) {
    sink.warn(`The engine ${engine} takes no tool servers over HTTP, so it does not have ${name}.`);
  }
  const opening = { engine, agent, note, history, workspacePath, servers, signal };
  const opened = await openOwnSession(opening);
  const { replacedFor } = opened;
  if (replacedFor !== undefined) {
    sink.warn(
      `The engine ${engine} could not go on in its own session (${replacedFor.replace(/\.$/, "")}); a new one began, which was told what was said before.`,
    );
  }
  return opened;
}
