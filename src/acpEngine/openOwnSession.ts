// Finds or makes the agent's own session for a session of ours (docs/engines.md).
import { defined } from "../base/defined.js";
import { untilAborted } from "../base/untilAborted.js";
import type { HistoryMessage, OwnSession, OwnSessionNote } from "../engine/engine.js";
import { AgentRefused, CannotGoOn } from "./agentErrors.js";
import { type LoadOptions, loadOwnSession } from "./loadOwnSession.js";
import { text } from "./reading.js";
import { replayEndOf } from "./replayEnd.js";
import type { SessionState } from "./sessionState.js";
import type { TurnWatch } from "./turnWatch.js";

/** The agent's session, and what it must be told. */
export interface OpenedSession {
  readonly id: string;
  readonly state: SessionState;
  /** The messages of ours that it has not seen. */
  readonly unknown: readonly HistoryMessage[];
  /** Why it is not the one that was there before; absent if it is, or if there was none. */
  readonly replacedFor?: string;
}

/** What is needed to open one. */
export interface OpeningOptions extends LoadOptions {
  readonly engine: string;
  readonly note: OwnSessionNote | undefined;
  readonly history: readonly HistoryMessage[];
  /** Why the session that was used before is not to be loaded; undefined if it is. */
  readonly notLoadable: string | undefined;
  /** What a load takes has bounds of its own. */
  readonly watch: Pick<TurnWatch, "whileWaiting">;
  /** Whether no other session will do, because this one is in the middle of a turn. */
  readonly isBegun: boolean;
  /** Whether the last message that it knows is a reply of that turn that is not in the history. */
  readonly knowsCutOff: boolean;
}

/**
 * Opens the session that was used before: it is open still, or the agent loads it. The replay of a load
 * reaches nobody. Else a new one begins, whose id is stored before anything is sent to it.
 *
 * @throws AgentRefused, AgentGone; LostInLoad if the program has ended over the load; CannotGoOn if another
 * session would be needed in the middle of a turn; the signal's reason.
 */
export async function openOwnSession(options: OpeningOptions): Promise<OpenedSession> {
  const { engine, agent, note, history } = options;
  const before = note?.read();
  const known = before?.engine === engine ? unseen(before, options) : undefined;
  let replacedFor = "messages that it knows were taken back";
  if (before !== undefined && known !== undefined) {
    const state =
      openState(before.id, options) ??
      options.notLoadable ??
      (await options.watch.whileWaiting(() => {
        const end = replayEndOf(history, before.upTo);
        return loadOwnSession({ id: before.id, end }, options);
      }));
    if (typeof state !== "string") return { id: before.id, state, unknown: known };
    replacedFor = state;
  }
  if (options.isBegun) {
    throw new CannotGoOn(
      `The server stopped in the middle of the turn, and the engine ${engine} could not open its session again: ${replacedFor}.`,
    );
  }
  const opening = { cwd: options.workspacePath, mcpServers: options.servers };
  let state: SessionState | undefined;
  const asked = agent.request("session/new", opening, (result) => {
    // What follows in the same breath, such as its commands, is of this session.
    const given = text(result?.sessionId);
    if (result === undefined || given === undefined) return;
    state = agent.opened(given, result);
    state.isNew = true;
    state.servers = JSON.stringify(options.servers);
  });
  const id = text((await untilAborted(asked, options.signal)).sessionId);
  if (id === undefined || state === undefined) {
    throw new AgentRefused({ message: "it opened a session without an id" });
  }
  await note?.write({ engine, id });
  const isReplaced = before?.engine === engine && before.upTo !== undefined;
  return {
    id,
    state,
    unknown: history,
    ...defined({ replacedFor: isReplaced ? replacedFor : undefined }),
  };
}

/**
 * The messages behind the last one that the agent's session knows. Undefined if that one is gone, as
 * after a rewind: the agent's session then knows more than it should.
 */
function unseen(
  { upTo }: OwnSession,
  { history, knowsCutOff }: OpeningOptions,
): readonly HistoryMessage[] | undefined {
  // A session that was never prompted cannot be loaded by every agent.
  if (upTo === undefined) return undefined;
  if (knowsCutOff) return [];
  const at = history.findIndex(({ id }) => id === upTo);
  return at === -1 ? undefined : history.slice(at + 1);
}

/** The session if it is open with these tool servers. */
function openState(id: string, { agent, servers }: OpeningOptions): SessionState | undefined {
  const state = agent.session(id);
  return state?.servers === JSON.stringify(servers) ? state : undefined;
}

/** The note of a session that has now seen everything up to a message. */
export function seen(engine: string, id: string, upTo: string | undefined): OwnSession {
  return { engine, id, ...defined({ upTo }) };
}
