// The agent of a random history whose turns are run by an agent's program: what the history does to the
// agent, what its model knows of it, and what must hold of it.
import fc from "fast-check";
import { expect } from "vitest";
import { AcpGatedTurn, GatedAcpEngine, GatedDesk } from "../helpers/gatedAcpEngine.js";
import { MemoryAgents } from "../helpers/memoryAgents.js";
import type { VirtualScheduler } from "../helpers/virtualScheduler.js";
import { type HistoryStep, sessionIds, stepArbitrary } from "./historyStep.js";
import type { Current, ModelRun, ModelSession } from "./sessionModel.js";

const session = fc.nat({ max: sessionIds.length - 1 });
/** A turn that is denied too often in a row ends by itself. */
const mostDenied = 3;
/** How long an agent may take to answer a cancel. */
const patienceMs = 10_000;

const agentStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("question"), session }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("decide"), session, isAllowed: fc.boolean() }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("open"), session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait") }) },
);

/** What an agent does beside the steps of every history; or ten seconds pass. */
export type AgentStep = typeof agentStep extends fc.Arbitrary<infer T> ? T : never;

/** How an agent is. */
export interface AgentTraits {
  /** Whether it takes prompts that join a turn. */
  readonly steers: boolean;
  /** Whether it opens its sessions only when the history says so. */
  readonly opensAtGates: boolean;
}

/** The steps of a history with an agent's program; `throw` is the death of that program. */
export const stepWithAgent: fc.Arbitrary<HistoryStep | AgentStep> = fc.oneof(
  { weight: 4, arbitrary: stepArbitrary },
  { weight: 1, arbitrary: agentStep },
);

/** The agent, its disk and its programs, over all servers of a history. */
export class HistoryAgent {
  readonly steers: boolean;
  /** That of the server that lives. */
  desk = new GatedDesk();
  readonly #agents: MemoryAgents;
  readonly #opensAtGates: boolean;
  #engine: GatedAcpEngine | undefined;

  constructor({ steers, opensAtGates }: AgentTraits) {
    this.steers = steers;
    this.#opensAtGates = opensAtGates;
    this.#agents = new MemoryAgents({ steering: steers });
  }

  newEngine(clock: VirtualScheduler): GatedAcpEngine {
    this.#engine = new GatedAcpEngine(this.#agents, clock, sessionIds);
    this.#engine.opensAtGates = this.#opensAtGates;
    return this.#engine;
  }

  #turn(sessionId: string): AcpGatedTurn | undefined {
    const turn = this.#engine?.live(sessionId)[0];
    return turn instanceof AcpGatedTurn ? turn : undefined;
  }

  isAsking(sessionId: string): boolean {
    return (this.#turn(sessionId)?.questions.size ?? 0) > 0;
  }

  /** Takes a step of the agent. */
  take(
    step: Exclude<AgentStep, { readonly type: "wait" }>,
    target: ModelSession,
    settle: () => Promise<void>,
  ): Promise<void> | undefined {
    if (step.type === "decide") return this.#decide(target, step.isAllowed, settle);
    if (step.type === "open") {
      this.tellOpening(target, "open");
      return undefined;
    }
    const { current, id } = target;
    const isAble = current?.phase === "calling" && !current.isOpening && !current.isCancelled;
    if (!isAble || this.isAsking(id)) return undefined;
    this.#turn(id)?.question();
    current.phase = "asked";
    return undefined;
  }

  async #decide(
    target: ModelSession,
    isAllowed: boolean,
    settle: () => Promise<void>,
  ): Promise<void> {
    await settle();
    const { current, id } = target;
    const [question] = this.desk.of(id);
    const turn = this.#turn(id);
    if (question === undefined || current === undefined || turn === undefined) return;
    const decision = isAllowed || turn.denied >= mostDenied ? "allow" : "deny";
    if (decision === "deny") turn.denied += 1;
    question.resolve({ decision });
    // The call has ended then, and a model call of the agent's follows.
    current.phase = "called";
    await settle();
  }

  /** Tells a turn whose agent has not opened its session what happens; false if it has. */
  tellOpening({ current, id }: ModelSession, what: string): boolean {
    const opening = this.#engine?.opening(id);
    if (current?.isOpening !== true || opening === undefined) return false;
    if (current.isCancelled || what === "stop") return true;
    if (what !== "fail") {
      this.#engine?.open(id);
      current.phase = "opened";
      return true;
    }
    this.#engine?.refuseToOpen(id);
    // A session that is not loaded is followed by a new one.
    if (opening.method === "session/new") current.phase = "broke";
    return true;
  }

  /** How long the turns of the agent wait by themselves for the end of a replay, in milliseconds. */
  pauseMs(): number {
    return this.#engine?.takeLoaded() === true ? 200 : 0;
  }

  /** Time passes: an agent that does not answer a cancel is ended. */
  passes(ms: number, sessions: readonly ModelSession[]): void {
    let ends = false;
    for (const { current } of sessions) {
      if (!isWaiting(current)) continue;
      current.waitedMs = (current.waitedMs ?? 0) + ms;
      ends ||= current.waitedMs >= patienceMs;
    }
    if (ends) this.#lost(sessions);
  }

  /** The agent's program dies. */
  die(sessions: readonly ModelSession[]): void {
    this.#lost(sessions);
    this.#agents.running?.die();
  }

  #lost(sessions: readonly ModelSession[]): void {
    for (const { current, id } of sessions) {
      if (current?.phase !== "calling") continue;
      // It is loaded again by the next program.
      const isLoading = current.isOpening && this.#engine?.opening(id)?.method === "session/load";
      if (!isLoading) current.phase = "broke";
    }
  }

  /** The server dies. */
  vanish(): void {
    this.#engine?.vanish();
    this.desk = new GatedDesk();
  }

  async dispose(): Promise<void> {
    await this.#engine?.dispose();
    expect(this.#agents.running, "no program is left").toBeUndefined();
  }

  /** Looks where the turns are, and that no question is left of those that are over. */
  check(sessions: readonly ModelSession[]): void {
    for (const { current, id } of sessions) {
      if (current?.phase === "calling") current.isOpening = this.#engine?.opening(id) !== undefined;
      else expect(this.desk.of(id), `open questions of ${id}`).toEqual([]);
    }
  }

  /** No prompt was sent twice, and each that was answered was sent. */
  expectSentOnce(sessions: readonly ModelSession[], runs: readonly ModelRun[]): void {
    const ends = new Map(
      sessions.flatMap(({ completions }) =>
        completions.map(({ position, status }) => [position, status] as const),
      ),
    );
    for (const { text, edited, kind, position } of runs) {
      if (kind === "summary") continue;
      const times = this.#agents.seen.filter((one) => one.text === (edited ?? text)).length;
      expect(times, `${text} was sent`).toBeLessThanOrEqual(1);
      if (ends.get(position) === "succeeded") expect(times, `${text} was sent`).toBe(1);
    }
  }
}

/** Whether a cancelled turn waits for the agent's answer. */
function isWaiting(current: Current | undefined): current is Current {
  return current?.phase === "calling" && current.isCancelled && current.isOpening !== true;
}
