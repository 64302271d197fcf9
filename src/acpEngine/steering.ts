// Hands prompts that join a running turn to the agent (docs/engines.md): by `_session/steering`, which
// some agents have.
import { untilAborted } from "../base/untilAborted.js";
import type { HistoryMessage, TurnSink } from "../engine/engine.js";
import type { EngineAgent } from "./engineAgent.js";
import { promptBlocks } from "./promptBlocks.js";

/** The prompts that have joined one turn. */
export class Steering {
  readonly #agent: EngineAgent;
  readonly #sessionId: string;
  readonly #note: (message: HistoryMessage) => Promise<void> | undefined;
  /** What each was answered: the blocks of a prompt that the agent did not take. */
  readonly #answers: Promise<readonly object[]>[] = [];

  /** @param note is told of each message before the agent gets it: it never gets it twice. */
  constructor(
    agent: EngineAgent,
    sessionId: string,
    note: (message: HistoryMessage) => Promise<void> | undefined,
  ) {
    this.#agent = agent;
    this.#sessionId = sessionId;
    this.#note = note;
  }

  /**
   * Takes the prompts that join now, and hands them over. Call it where a model call follows. Returns
   * whether there were any.
   */
  steer(sink: Pick<TurnSink, "takeFolded">): boolean {
    const { abilities } = this.#agent;
    if (!abilities.steering) return false;
    const folded = sink.takeFolded();
    for (const { prompt, message } of folded) {
      this.#answers.push(this.#hand(message, promptBlocks(prompt, { can: abilities })));
    }
    return folded.length > 0;
  }

  /**
   * The blocks of those that the agent did not take, which have to be sent as a prompt. Rejects with the
   * signal's reason.
   */
  async left(signal: AbortSignal): Promise<readonly object[]> {
    const answers = this.#answers.splice(0);
    return (await untilAborted(Promise.all(answers), signal)).flat();
  }

  /** Resolves with the blocks if they were not taken. Never rejects. */
  async #hand(message: HistoryMessage, prompt: readonly object[]): Promise<readonly object[]> {
    const params = {
      sessionId: this.#sessionId,
      prompt,
      // A turn that has just ended is not to be followed by one that nobody listens to.
      _meta: { steering: { idleBehavior: "promptRequired" } },
    };
    try {
      await this.#note(message);
      const { outcome } = await this.#agent.request("_session/steering", params);
      return outcome === "injected" || outcome === "startedNewTurn" ? [] : prompt;
    } catch {
      // An agent that has ended fails the turn anyway; one that refuses gets it as a prompt.
      return prompt;
    }
  }
}
