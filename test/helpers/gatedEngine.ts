// An engine whose turns do nothing by themselves: making ready, each model call and the end of a
// cancelled turn wait at gates that the test opens.

import { Deferred } from "../../src/base/deferred.js";
import type { RunErrorName } from "../../src/base/runErrors.js";
import type { Engine, Prompt, Turn, TurnOutcome, TurnRequest } from "../../src/engine/engine.js";
import type { EngineSetup } from "../../src/engine/setup.js";

/** What a model call at its gate does next. */
type Next =
  | { readonly type: "call" }
  | { readonly type: "end"; readonly outcome: TurnOutcome }
  | { readonly type: "throw"; readonly error: unknown };

/** A run that is being made ready. */
export class GatedPreparation {
  readonly signal: AbortSignal;
  readonly gate = new Deferred<true>();
  isOver = false;
  readonly sessionId: string | undefined;

  constructor(signal: AbortSignal, sessionId: string | undefined) {
    this.signal = signal;
    this.sessionId = sessionId;
  }

  /** The run is ready: its turn begins. */
  ready(): void {
    this.isOver = true;
    this.gate.resolve(true);
  }

  /** The run cannot begin. */
  fail(error: unknown): void {
    this.isOver = true;
    this.gate.reject(error);
  }
}

/** A turn that waits at the gate of a model call, or has been cancelled and is about to stop. */
export class GatedTurn {
  readonly request: Omit<TurnRequest, "prompt"> & { readonly prompt?: Prompt };
  readonly kind: "prompt" | "summary";
  /** Prompts that joined, call by call. */
  readonly folded: string[][] = [];
  calls = 0;
  isOver = false;
  readonly #engine: GatedEngine;
  #next = new Deferred<Next>();
  readonly #stopped = new Deferred<void>();

  constructor(request: GatedTurn["request"], kind: GatedTurn["kind"], engine: GatedEngine) {
    this.request = request;
    this.kind = kind;
    this.#engine = engine;
  }

  get sessionId(): string {
    return this.request.sessionId;
  }

  get text(): string {
    return this.request.prompt?.text ?? "";
  }

  /** Whether a cancel has reached it. */
  get isStopping(): boolean {
    return this.request.signal.aborted && !this.isOver;
  }

  /** Goes on to the next model call. */
  call(): void {
    this.#open({ type: "call" });
  }

  /** The model's last word. */
  succeed(text = "done"): void {
    this.#open({ type: "end", outcome: { status: "succeeded", text } });
  }

  /** The turn fails, and says so itself. */
  fail(error = "no", errorName: RunErrorName = "ProviderError"): void {
    const outcome = { status: "failed", text: "", error, errorName, cause: "provider" } as const;
    this.#open({ type: "end", outcome });
  }

  /** Something unexpected. */
  throw(error: unknown): void {
    this.#open({ type: "throw", error });
  }

  /** A cancelled turn's processes have ended: it returns. */
  stop(): void {
    this.#stopped.resolve();
  }

  #open(next: Next): void {
    const gate = this.#next;
    this.#next = new Deferred();
    gate.resolve(next);
  }

  /** The turn itself; begins in one step with the coordinator. */
  async run(): Promise<TurnOutcome> {
    try {
      return await this.#run();
    } finally {
      this.isOver = true;
    }
  }

  async #run(): Promise<TurnOutcome> {
    const { sink, prompt, signal, begun } = this.request;
    if (this.kind === "prompt" && prompt !== undefined && begun === undefined) sink.say(prompt);
    for (;;) {
      const joined = this.kind === "prompt" ? sink.takeFolded() : [];
      this.folded.push(joined.map(({ prompt: { text } }) => text));
      this.calls++;
      const next = await Promise.race([this.#next.promise, aborted(signal)]);
      if (next === undefined) {
        if (!this.#engine.stopsAtOnce) await this.#stopped.promise;
        return this.#cancelled();
      }
      if (next.type === "throw") throw next.error;
      if (next.type === "end") return this.#end(next.outcome);
    }
  }

  #cancelled(): TurnOutcome {
    if (this.kind === "summary") return { status: "cancelled", text: "" };
    const reply = this.request.sink.createMessage({ role: "assistant" });
    reply.finish("cancelled");
    return { status: "cancelled", text: "", messageId: reply.id };
  }

  #end(outcome: TurnOutcome): TurnOutcome {
    const { sink } = this.request;
    const isSummary = this.kind === "summary";
    const reply = sink.createMessage({ role: "assistant", isSummary });
    const part = reply.addPart({ type: "text", text: "" });
    reply.append(part, outcome.text);
    reply.finish(outcome.status === "failed" ? "error" : "endTurn");
    if (isSummary && outcome.status === "succeeded") sink.setSummary(reply.id);
    return { ...outcome, messageId: reply.id };
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** Runs gated turns; keeps every one that it was ever given. */
export class GatedEngine implements Engine {
  /** Whether a cancelled turn returns without {@link GatedTurn.stop}. */
  stopsAtOnce = true;
  readonly preparations: GatedPreparation[] = [];
  readonly turns: GatedTurn[] = [];
  /** What each turn was prepared with. */
  readonly setups: EngineSetup[] = [];
  readonly forgotten: string[] = [];
  isDisposed = false;
  /** What its end waits for. */
  disposing: Promise<void> = Promise.resolve();
  /** What `title` answers. */
  title: (signal: AbortSignal) => Promise<string | undefined> = async () => undefined;
  /** Whether preparing waits at a gate. */
  preparesAtGates = true;

  async prepare(setup: EngineSetup, signal: AbortSignal): Promise<Turn> {
    this.setups.push(setup);
    if (this.preparesAtGates) {
      const preparation = new GatedPreparation(signal, setup.sessionId);
      this.preparations.push(preparation);
      const isReady = await Promise.race([preparation.gate.promise, aborted(signal)]);
      preparation.isOver = true;
      if (isReady === undefined) throw signal.reason;
    }
    return {
      canGoOn: true,
      run: (request) => this.#turn(request, "prompt").run(),
      summarize: (request) => this.#turn(request, "summary").run(),
      title: (_prompt, _sink, closing) => this.title(closing),
    };
  }

  #turn(request: GatedTurn["request"], kind: GatedTurn["kind"]): GatedTurn {
    const turn = new GatedTurn(request, kind, this);
    this.turns.push(turn);
    return turn;
  }

  async forgetSession(sessionId: string): Promise<void> {
    this.forgotten.push(sessionId);
  }

  async dispose(): Promise<void> {
    this.isDisposed = true;
    await this.disposing;
  }

  /** The turns that have begun and not returned, of one session or all. */
  live(sessionId?: string): GatedTurn[] {
    return this.turns.filter(
      (turn) => !turn.isOver && (sessionId === undefined || turn.sessionId === sessionId),
    );
  }

  /** The one live turn of a session. */
  turnOf(sessionId: string): GatedTurn {
    const [turn, ...others] = this.live(sessionId);
    if (turn === undefined || others.length > 0) {
      throw new Error(`${sessionId} has ${others.length + (turn ? 1 : 0)} turns`);
    }
    return turn;
  }

  /** The newest run that is being made ready. */
  get preparing(): GatedPreparation {
    const preparation = this.preparations.findLast(({ isOver }) => !isOver);
    if (preparation === undefined) throw new Error("nothing is being made ready");
    return preparation;
  }
}
