/**
 * The runs that the caller waits for, and completions that must be handled exactly once.
 *
 * The server delivers a completion at least once (protocol.md section 5). Here it is handled once:
 * it is acknowledged only after its handler is done. A second delivery of a handled completion is
 * acknowledged again and not passed on.
 */

import type { Clock } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import type { Ids } from "../base/ids.js";
import type { RunComplete } from "../protocol/objects/run.js";
import { pendingCompletions } from "../protocol/pendingCompletions.js";
import {
  type LossyEvent,
  type MethodName,
  methods,
  type ParamsInput,
  type Result,
} from "../protocol/registry.js";
import { ConnectionLostError } from "./errors.js";
import { refuseUnknown } from "./knownOptions.js";
import { type Run, RunHandle } from "./run.js";
import { type StopListening, stopListening } from "./stopListening.js";

/** A prompt, and the callbacks of its caller. */
export type RunOptions = ParamsInput<"sendMessage"> & {
  /** Aborting it cancels the run. `run` still resolves with the completion. */
  readonly signal?: AbortSignal;
  /** Gets the events with this run's id. An error that it throws is reported. */
  readonly onEvent?: (event: LossyEvent) => void;
  /**
   * Handles the completion, which is acknowledged when this is done. If this throws, the completion
   * is not acknowledged, and `run` rejects with the error.
   */
  readonly onComplete?: (completion: RunComplete) => void | Promise<void>;
};

/** Handles completions that no `run` waits for. Each is acknowledged when this is done. */
export type CompletionHandler = (completion: RunComplete) => void | Promise<void>;

/** Sends a request over the present connection. */
export type RequestFunction = <M extends MethodName>(
  method: M,
  params: ParamsInput<M>,
) => Promise<Result<M>>;

interface PendingRun {
  readonly prompt: ParamsInput<"sendMessage"> & { readonly runId: string };
  readonly options: RunOptions;
  readonly handle: RunHandle;
  /** Aborted when the caller cancels the run. */
  readonly signal: AbortSignal;
  readonly result: Deferred<RunComplete>;
  isAccepted: boolean;
  isSettling: boolean;
}

/** How many handled completions are remembered, so that a second delivery is recognised. */
const rememberedCompletions = 10_000;

export class Runs {
  readonly #request: RequestFunction;
  readonly #willResend: () => boolean;
  readonly #ids: Ids;
  readonly #reportError: (error: unknown) => void;
  readonly #pending = new Map<string, PendingRun>();
  readonly #handled = new Set<string>();
  readonly #inHand = new Set<string>();
  readonly #acknowledging = new Set<Promise<void>>();
  #completionHandler: CompletionHandler | undefined;
  #order: Promise<void> = Promise.resolve();

  constructor(options: {
    request: RequestFunction;
    /** Whether a prompt that a lost server did not answer will be sent to the next one. */
    willResend: () => boolean;
    ids: Ids;
    reportError: (error: unknown) => void;
  }) {
    this.#request = options.request;
    this.#willResend = options.willResend;
    this.#ids = options.ids;
    this.#reportError = options.reportError;
  }

  /** Whether a caller waits for a completion. */
  get isWaiting(): boolean {
    return this.#pending.size > 0;
  }

  /** Sends a prompt; see `TurnwireClient.run`. */
  run(options: RunOptions): Run {
    const runId = options.runId ?? this.#ids.next("run");
    return new RunHandle(runId, (handle, cancelling) => this.#run(options, handle, cancelling));
  }

  async #run(
    options: RunOptions,
    handle: RunHandle,
    cancelling: AbortSignal,
  ): Promise<RunComplete> {
    refuseUnknown("run", options, isRunOption);
    const { signal: given, onEvent: _, onComplete: __, ...prompt } = options;
    // A caller may give one signal to many runs; their listeners would accumulate on it.
    const signal = AbortSignal.any(given === undefined ? [cancelling] : [given, cancelling]);
    signal.throwIfAborted();
    const { runId } = handle;
    const key = keyOf(prompt.workspaceId, runId);
    if (this.#pending.has(key)) throw new Error(`run ${runId} is being waited for already`);
    const run: PendingRun = {
      prompt: { ...prompt, runId },
      options,
      handle,
      signal,
      result: new Deferred(),
      isAccepted: false,
      isSettling: false,
    };
    this.#pending.set(key, run);
    const cancel = () => this.#cancel(run);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const [completion] = await Promise.all([run.result.promise, this.#send(run)]);
      return completion;
    } finally {
      this.#pending.delete(key);
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Handles a completion that was delivered. */
  take(completion: RunComplete): void {
    const { workspaceId, runId, completionId } = completion;
    const run = runId === undefined ? undefined : this.#pending.get(keyOf(workspaceId, runId));
    if (run !== undefined) this.#settle(run, completion);
    else if (this.#handled.has(completionId)) this.#acknowledge(completionId);
    else if (this.#completionHandler !== undefined && !this.#inHand.has(completionId)) {
      const handler = this.#completionHandler;
      this.#inHand.add(completionId);
      this.#order = this.#order.then(() => this.#handle(handler, completion));
    }
  }

  /** Gives every completion that no `run` waits for to `handler`, waiting ones first. */
  onCompletion(handler: CompletionHandler): StopListening {
    this.#completionHandler = handler;
    this.#takePending().catch((error) => this.#reportError(error));
    return stopListening(() => {
      if (this.#completionHandler === handler) this.#completionHandler = undefined;
    });
  }

  async #takePending(): Promise<void> {
    const waiting = pendingCompletions((params) => this.#request("listPendingCompletions", params));
    for await (const completion of waiting) this.take(completion);
  }

  /** Tells the run that an event belongs to. */
  publish(event: LossyEvent): void {
    if (!("runId" in event.params) || event.params.runId === undefined) return;
    const { workspaceId, runId } = event.params;
    const run = this.#pending.get(keyOf(workspaceId, runId));
    try {
      run?.handle.push(event);
      run?.options.onEvent?.(event);
    } catch (error) {
      this.#reportError(error);
    }
  }

  /** Sends the unanswered prompts again, to the server that has replaced a lost one. */
  resend(): void {
    for (const run of this.#pending.values()) {
      if (!run.isSettling) this.#send(run);
    }
  }

  /** Rejects all waiting runs: no completion can come any more. */
  fail(error: Error): void {
    for (const run of this.#pending.values()) {
      if (!run.isSettling) run.result.reject(error);
    }
  }

  /** Resolves when every completion that was handled until now is acknowledged, or cannot be. */
  async acknowledged(clock: Clock): Promise<void> {
    // If a handler has just finished, its acknowledgement begins one turn later.
    await new Promise<void>((resolve) => clock.soon(resolve));
    await Promise.all(this.#acknowledging);
  }

  /** Never rejects: an error becomes the run's result. */
  async #send(run: PendingRun): Promise<void> {
    const { workspaceId, runId } = run.prompt;
    try {
      const answer = await this.#request("sendMessage", run.prompt);
      run.isAccepted = true;
      if (run.signal.aborted) await this.#cancel(run);
      if (answer.duplicate && answer.state === "completed") {
        const { completion } = await this.#request("getRun", { workspaceId, runId });
        if (completion !== undefined) this.take(completion);
      }
    } catch (error) {
      const isResent = error instanceof ConnectionLostError && this.#willResend();
      if (!isResent) run.result.reject(error);
    }
  }

  /**
   * A run that is not accepted yet is cancelled after its acceptance: the cancel must not overtake
   * it.
   */
  async #cancel(run: PendingRun): Promise<void> {
    if (!run.isAccepted) return;
    const { workspaceId, runId } = run.prompt;
    try {
      await this.#request("cancelRun", { workspaceId, runId });
    } catch (error) {
      // A server that is gone runs nothing, so the run will be reported as interrupted.
      if (!(error instanceof ConnectionLostError)) this.#reportError(error);
    }
  }

  async #settle(run: PendingRun, completion: RunComplete): Promise<void> {
    if (run.isSettling) return;
    run.isSettling = true;
    run.handle.endEvents();
    try {
      await run.options.onComplete?.(completion);
    } catch (error) {
      run.result.reject(error);
      return;
    }
    this.#remember(completion.completionId);
    await this.#acknowledge(completion.completionId);
    run.result.resolve(completion);
  }

  async #handle(handler: CompletionHandler, completion: RunComplete): Promise<void> {
    const { completionId } = completion;
    try {
      await handler(completion);
      this.#remember(completionId);
      await this.#acknowledge(completionId);
    } catch (error) {
      this.#reportError(error);
    } finally {
      this.#inHand.delete(completionId);
    }
  }

  #remember(completionId: string): void {
    this.#handled.add(completionId);
    if (this.#handled.size <= rememberedCompletions) return;
    const [oldest] = this.#handled;
    if (oldest !== undefined) this.#handled.delete(oldest);
  }

  /** Never rejects. */
  async #acknowledge(completionId: string): Promise<void> {
    const answered = this.#sendAcknowledge(completionId);
    this.#acknowledging.add(answered);
    await answered;
    this.#acknowledging.delete(answered);
  }

  async #sendAcknowledge(completionId: string): Promise<void> {
    try {
      await this.#request("acknowledge", { completionIds: [completionId] });
    } catch (error) {
      // An unacknowledged completion is delivered again, and then acknowledged.
      if (!(error instanceof ConnectionLostError)) this.#reportError(error);
    }
  }
}

function keyOf(workspaceId: string, runId: string): string {
  return JSON.stringify([workspaceId, runId]);
}

/** The options of a run are the params of the request, and three of the library's own. */
function isRunOption(name: string): boolean {
  const own = ["signal", "onEvent", "onComplete"];
  return own.includes(name) || name in methods.sendMessage.params().shape;
}
