// The engine of an agent's program behind the gates of `gatedEngine.ts`: the engine is the real one, its
// programs run in memory, and what a turn does is what the test has its agent do.
import { Deferred } from "../../src/base/deferred.js";
import type { QuestionDesk } from "../../src/coordinator/coordinatorOptions.js";
import type { Engine, Turn, TurnOutcome } from "../../src/engine/engine.js";
import type { EngineSetup } from "../../src/engine/setup.js";
import type { PermissionAnswer } from "../../src/protocol/registry.js";
import { GatedEngine, GatedTurn } from "./gatedEngine.js";
import type { MemoryAgent, MemoryAgents } from "./memoryAgents.js";
import { memoryEngine, withEngine } from "./memoryEngine.js";
import type { VirtualScheduler } from "./virtualScheduler.js";

/** The opening of a session of the agent's own that waits. */
interface Opening {
  readonly program: MemoryAgent;
  readonly id: unknown;
  readonly method: "session/new" | "session/load";
  readonly params: Readonly<Record<string, unknown>>;
}

/** Runs turns with the engine of an agent's program. */
export class GatedAcpEngine extends GatedEngine {
  readonly agents: MemoryAgents;
  /** Whether the agent opens its sessions only when it is told to. */
  opensAtGates = true;
  readonly #engine: Engine;
  readonly #openings = new Map<string, Opening>();
  #hasLoaded = false;

  constructor(agents: MemoryAgents, clock: VirtualScheduler, sessionIds: readonly string[]) {
    super();
    this.agents = agents;
    this.#engine = memoryEngine(agents.start, clock);
    // By its tool servers the agent can tell which session is opened.
    for (const id of sessionIds) {
      void this.#engine.setSessionServers?.(id, [{ name: id, command: "server" }]);
    }
    for (const method of ["session/new", "session/load"] as const) {
      agents.handlers[method] = (program, id, params) => {
        const [server] = params.mcpServers as { name: string }[];
        const sessionId = server?.name ?? "";
        this.#openings.set(sessionId, { program, id, method, params });
        if (!this.opensAtGates) this.open(sessionId);
      };
    }
    agents.handlers["session/cancel"] = (program, _, { sessionId }) => {
      const turn = this.live().find((one) => one instanceof AcpGatedTurn && one.own === sessionId);
      // Where the turn stops for another reason than a cancel, the agent obeys at once.
      if (this.stopsAtOnce || turn?.isStopping !== true) {
        program.answer(String(sessionId), { stopReason: "cancelled" });
      }
    };
  }

  override async prepare(setup: EngineSetup, signal: AbortSignal): Promise<Turn> {
    await super.prepare(setup, signal);
    const turn = await this.#engine.prepare(withEngine(setup), signal);
    return {
      ...turn,
      run: (request) => this.#run(request, "prompt", () => turn.run(request)),
      summarize: (request) => this.#run(request, "summary", () => turn.summarize(request)),
    };
  }

  async #run(
    request: GatedTurn["request"],
    kind: GatedTurn["kind"],
    run: () => Promise<TurnOutcome>,
  ): Promise<TurnOutcome> {
    const turn = new AcpGatedTurn(request, kind, this);
    this.turns.push(turn);
    try {
      return await run();
    } finally {
      turn.isOver = true;
      this.#openings.delete(request.sessionId);
    }
  }

  /** Whether the live turn of a session waits for its agent's session. */
  opening(sessionId: string): Opening | undefined {
    const opening = this.#openings.get(sessionId);
    return opening?.program.isGone === false ? opening : undefined;
  }

  /** Lets the agent open its session. */
  open(sessionId: string): void {
    const opening = this.opening(sessionId);
    if (opening === undefined) return;
    this.#openings.delete(sessionId);
    const { program, id, method, params } = opening;
    if (method === "session/load") this.#hasLoaded = true;
    queueMicrotask(() => program.open(id, method, params));
  }

  /** The agent does not open its session. */
  refuseToOpen(sessionId: string): void {
    const opening = this.opening(sessionId);
    this.#openings.delete(sessionId);
    const error = { code: -32603, message: "no" };
    queueMicrotask(() => opening?.program.tell({ id: opening.id, error }));
  }

  /** Whether a session was loaded since this was last asked: its replay may go on for a moment. */
  takeLoaded(): boolean {
    const hasLoaded = this.#hasLoaded;
    this.#hasLoaded = false;
    return hasLoaded;
  }

  /** The server has died: nothing of its agent is left. */
  vanish(): void {
    for (const program of this.agents.programs) program.vanish();
  }

  override async dispose(): Promise<void> {
    await this.#engine.dispose();
    await super.dispose();
  }
}

/** A turn whose agent does what it is told. */
export class AcpGatedTurn extends GatedTurn {
  readonly #acp: GatedAcpEngine;
  /** The questions that the agent has asked and that are not answered. */
  readonly questions = new Set<Promise<string>>();
  /** How many of them were denied. */
  denied = 0;

  constructor(request: GatedTurn["request"], kind: GatedTurn["kind"], engine: GatedAcpEngine) {
    super(request, kind, engine);
    this.#acp = engine;
  }

  /** The session of the agent's own. */
  get own(): string {
    return this.request.ownSession?.read()?.id ?? "";
  }

  /** Whether its agent works on a prompt. */
  get hasPrompt(): boolean {
    return this.#acp.agents.running?.prompts.has(this.own) === true;
  }

  stream(): void {
    this.#later((program) => program.chunk(this.own, "I think"));
  }

  override call(): void {
    this.#later((program) => program.callTool(this.own));
  }

  override succeed(): void {
    this.#later((program) => {
      program.chunk(this.own, "done");
      program.answer(this.own);
    });
  }

  override fail(): void {
    this.#later((program) => program.refuse(this.own));
  }

  override stop(): void {
    this.#later((program) => program.answer(this.own, { stopReason: "cancelled" }));
  }

  /** Asks for a permission; the call ends as that is answered. */
  question(): void {
    this.#later((program) => {
      const answered = program.askPermission(this.own);
      this.questions.add(answered);
      void answered.then(() => this.questions.delete(answered));
    });
  }

  /** What an agent does reaches its client later, as over a pipe. */
  #later(act: (program: MemoryAgent) => void): void {
    const { running } = this.#acp.agents;
    if (running === undefined) return;
    queueMicrotask(() => {
      if (!running.isGone) act(running);
    });
  }
}

/** A desk at which questions wait for the test. */
export class GatedDesk implements QuestionDesk {
  readonly #open = new Map<string, Deferred<PermissionAnswer>[]>();

  /** The questions of a session that are open. */
  of(sessionId: string): readonly Deferred<PermissionAnswer>[] {
    return this.#open.get(sessionId) ?? [];
  }

  ask: QuestionDesk["ask"] = async (_, { sessionId }, signal) => {
    const answer = new Deferred<PermissionAnswer>();
    const withdraw = () => answer.reject(signal.reason);
    if (signal.aborted) withdraw();
    signal.addEventListener("abort", withdraw, { once: true });
    this.#open.set(sessionId, [...this.of(sessionId), answer]);
    try {
      return await answer.promise;
    } finally {
      this.#open.set(
        sessionId,
        this.of(sessionId).filter((other) => other !== answer),
      );
    }
  };

  requestInput: QuestionDesk["requestInput"] = async () => undefined;
}
