import type { HistoryMessage, TurnRequest } from "../engine/engine.js";
import { LostInLoad } from "./agentErrors.js";
import { secretsOf, serversFor, type WantedServers } from "./agentServers.js";
import type { EngineAgent } from "./engineAgent.js";
import type { LoadOptions } from "./loadOwnSession.js";
import { type OpenedSession, openOwnSession } from "./openOwnSession.js";
import type { TurnWatch } from "./turnWatch.js";

/** What opening needs of the turn. */
interface Wanted extends Pick<LoadOptions, "workspacePath" | "clock"> {
  readonly engine: string;
  readonly servers: WantedServers;
  readonly limits: { readonly providerIdleSeconds: number };
  /** What a start and a load take has bounds of its own. */
  readonly watch: Pick<TurnWatch, "whileWaiting">;
  /** The running agent; started if none runs. */
  start(): Promise<EngineAgent>;
}

/** What the agent's session is opened for. */
interface Standing {
  /** The messages so far, without a prompt that is still to be sent. */
  readonly history: readonly HistoryMessage[];
  /** Whether the agent has the turn's prompt already. */
  readonly isBegun: boolean;
  /** Whether the last message that the agent knows is a reply of this turn that was cut off. */
  readonly knowsCutOff: boolean;
}

/** A session, and the program that has it. */
export interface OpenedForTurn {
  readonly agent: EngineAgent;
  readonly opened: OpenedSession;
}

/** How often a session is loaded that costs the agent its life. The first time may be for another reason. */
const mostLoads = 2;

/**
 * Opens the agent's own session with the tool servers of the run, and warns of what it cannot have. An
 * agent that ends while it loads its session is started again.
 *
 * @throws DomainError `EngineFailed` if the session's own servers are of a kind that the agent does not
 * know; CannotGoOn; AgentRefused, AgentGone; the signal's reason.
 */
export async function openForTurn(
  request: TurnRequest,
  wanted: Wanted,
  standing: Standing,
  signal: AbortSignal,
): Promise<OpenedForTurn> {
  let notLoadable: string | undefined;
  for (let loads = 1; ; loads++) {
    const agent = await wanted.watch.whileWaiting(() => wanted.start());
    try {
      const opened = await open(agent, request, wanted, { ...standing, notLoadable }, signal);
      return { agent, opened };
    } catch (error) {
      if (!(error instanceof LostInLoad)) throw error;
      signal.throwIfAborted();
      if (error.isFinal || loads === mostLoads) notLoadable = error.message;
    }
  }
}

async function open(
  agent: EngineAgent,
  { ownSession: note, sink }: TurnRequest,
  { engine, workspacePath, clock, limits, watch, servers: wanted }: Wanted,
  standing: Standing & { readonly notLoadable: string | undefined },
  signal: AbortSignal,
): Promise<OpenedSession> {
  const { told: servers, leftOut } = serversFor(engine, wanted, agent.abilities);
  agent.keepSecret(secretsOf(wanted));
  for (const name of leftOut) {
    sink.warn(`The engine ${engine} takes no tool servers over HTTP, so it does not have ${name}.`);
  }
  const idleSeconds = limits.providerIdleSeconds;
  const to = { engine, agent, note, workspacePath, servers };
  const opening = { ...to, clock, idleSeconds, watch, signal };
  const opened = await openOwnSession({ ...opening, ...standing });
  const { replacedFor } = opened;
  if (replacedFor !== undefined) {
    sink.warn(
      `The engine ${engine} could not go on in its own session (${replacedFor.replace(/\.$/, "")}); a new one began, which was told what was said before.`,
    );
  }
  return opened;
}
