// Has an agent open one of its own sessions again (docs/engines.md). Agents tell what was said in it
// before they answer, some also behind their answer, and this can go wrong in every way.
import { type Clock, sleep } from "../base/clock.js";
import { IdleWatch } from "../base/idleWatch.js";
import { untilAborted } from "../base/untilAborted.js";
import { AgentGone, AgentRefused, LostInLoad } from "./agentErrors.js";
import type { EngineAgent } from "./engineAgent.js";
import type { Json } from "./reading.js";
import { type ReplayEnd, ReplayedSoFar } from "./replayEnd.js";
import type { SessionState } from "./sessionState.js";

/** What loading needs. */
export interface LoadOptions {
  readonly agent: EngineAgent;
  readonly workspacePath: string;
  /** The tool servers of the session, in the words of the protocol. */
  readonly servers: readonly object[];
  readonly clock: Clock;
  /** `limits.providerIdleSeconds`: how long the agent may send nothing. */
  readonly idleSeconds: number;
  readonly signal: AbortSignal;
}

/** A session of the agent's own. */
interface Loaded {
  readonly id: string;
  /** What its replay ends with, as far as it is known. */
  readonly end: ReplayEnd | undefined;
}

/** How long the whole of it may take, whatever the agent sends meanwhile. */
const mostSeconds = 300;
/**
 * A replay is over when nothing of it has come for so long after the answer. What comes later than that
 * would be taken for the answer to the prompt. Where the end of the session was replayed before the answer,
 * nothing is waited for.
 */
const quietMs = 200;

/** The updates that tell what was said in a session; others tell how it is now. */
const replayed: ReadonlySet<unknown> = new Set([
  "user_message_chunk",
  "agent_message_chunk",
  "agent_thought_chunk",
  "tool_call",
  "tool_call_update",
  "plan",
]);

/**
 * The session, or why the agent cannot load it. Its replay reaches nobody.
 *
 * @throws LostInLoad if the agent's program has ended over it; AgentRefused if it wants a login; the
 * signal's reason.
 */
export async function loadOwnSession(
  { id, end }: Loaded,
  options: LoadOptions,
): Promise<SessionState | string> {
  const { agent, signal } = options;
  const { loadSession, resume } = agent.abilities;
  if (!loadSession && !resume) return "it cannot load sessions";
  const replay = new Replay(id, options);
  try {
    const asked = request(id, loadSession ? "session/load" : "session/resume", options);
    const state = await untilAborted(replay.orGivenUp(asked), signal);
    if (loadSession && !replay.told.isWhole(end))
      await untilAborted(replay.orGivenUp(replay.quiet()), signal);
    return state ?? "it did not say how it is";
  } catch (error) {
    if (error instanceof AgentGone) throw new LostInLoad(error.message, false);
    if (error instanceof GivenUp) return await giveUp(agent, id, error.message);
    if (!(error instanceof AgentRefused) || error.wantsLogin) throw error;
    return error.message;
  } finally {
    replay.stop();
  }
}

async function request(
  id: string,
  method: string,
  { agent, workspacePath: cwd, servers }: LoadOptions,
): Promise<SessionState | undefined> {
  const isOpen = agent.session(id) !== undefined;
  agent.forget(id);
  // It is open with other tool servers.
  if (isOpen && agent.abilities.close) await agent.request("session/close", { sessionId: id });
  let state: SessionState | undefined;
  await agent.request(method, { sessionId: id, cwd, mcpServers: servers }, (result) => {
    if (result === undefined) return;
    state = agent.opened(id, result);
    state.servers = JSON.stringify(servers);
  });
  return state;
}

/**
 * The reason for another session. An agent that is still busy with the load is ended, so that the next
 * request finds one that listens, unless it works for others.
 */
async function giveUp(agent: EngineAgent, id: string, reason: string): Promise<string> {
  agent.forget(id);
  if (agent.isBusy) return reason;
  await agent.end();
  throw new LostInLoad(reason, true);
}

/** The load takes too long. */
class GivenUp extends Error {}

/** What an agent tells of a session that it loads. */
class Replay {
  readonly told = new ReplayedSoFar();
  readonly #clock: Clock;
  readonly #givenUp = new AbortController();
  readonly #over = new AbortController();
  readonly #idle: IdleWatch;
  readonly #stopListening: () => void;
  #lastAt: number;

  constructor(id: string, { agent, clock, idleSeconds }: LoadOptions) {
    this.#clock = clock;
    this.#lastAt = clock.now();
    this.#idle = new IdleWatch(clock, idleSeconds * 1_000, () =>
      this.#giveUp(`it sent nothing for ${idleSeconds} seconds while it should load it`),
    );
    sleep(clock, mostSeconds * 1_000, this.#over.signal).then(
      () => this.#giveUp(`it had not loaded it after ${mostSeconds} seconds`),
      () => {},
    );
    this.#stopListening = agent.overhear(id, (update) => this.#hear(update));
  }

  #hear(update: Json): void {
    this.#idle.touch();
    if (!replayed.has(update.sessionUpdate)) return;
    this.#lastAt = this.#clock.now();
    this.told.take(update);
  }

  #giveUp(reason: string): void {
    this.#givenUp.abort(new GivenUp(reason));
  }

  /** Settles as the work does, but rejects with {@link GivenUp} once it takes too long. */
  orGivenUp<T>(work: Promise<T>): Promise<T> {
    return untilAborted(work, this.#givenUp.signal);
  }

  /** Resolves when nothing has been told for a while. Rejects when the replay is stopped. */
  async quiet(): Promise<void> {
    this.#lastAt = this.#clock.now();
    for (let rest = quietMs; rest > 0; rest = this.#lastAt + quietMs - this.#clock.now()) {
      await sleep(this.#clock, rest, this.#over.signal);
    }
  }

  stop(): void {
    this.#over.abort(new Error("the load is over"));
    this.#idle.stop();
    this.#stopListening();
  }
}
