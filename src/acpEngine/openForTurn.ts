import type { HistoryMessage, TurnRequest } from "../engine/engine.js";
import { secretsOf, serversFor, type WantedServers } from "./agentServers.js";
import type { EngineAgent } from "./engineAgent.js";
import { type OpenedSession, openOwnSession } from "./openOwnSession.js";

/** What opening needs of the turn. */
interface Wanted {
  readonly engine: string;
  readonly workspacePath: string;
  readonly servers: WantedServers;
}

/** What the agent's session is opened for. */
interface Standing {
  /** The messages so far, without a prompt that is still to be sent. */
  readonly history: readonly HistoryMessage[];
  /** Whether the agent has the turn's prompt already. */
  readonly isBegun: boolean;
}

/**
 * Opens the agent's own session with the tool servers of the run, and warns of what it cannot have.
 *
 * @throws DomainError `EngineFailed` if the session's own servers are of a kind that the agent does not
 * know; CannotGoOn; AgentRefused, AgentGone; the signal's reason.
 */
export async function openForTurn(
  agent: EngineAgent,
  { ownSession: note, sink }: TurnRequest,
  { engine, workspacePath, servers: wanted }: Wanted,
  { history, isBegun }: Standing,
  signal: AbortSignal,
): Promise<OpenedSession> {
  const { told: servers, leftOut } = serversFor(engine, wanted, agent.abilities);
  agent.keepSecret(secretsOf(wanted));
  for (const name of leftOut) {
    sink.warn(`The engine ${engine} takes no tool servers over HTTP, so it does not have ${name}.`);
  }
  const opening = { engine, agent, note, history, workspacePath, servers, isBegun, signal };
  const opened = await openOwnSession(opening);
  const { replacedFor } = opened;
  if (replacedFor !== undefined) {
    sink.warn(
      `The engine ${engine} could not go on in its own session (${replacedFor.replace(/\.$/, "")}); a new one began, which was told what was said before.`,
    );
  }
  return opened;
}
