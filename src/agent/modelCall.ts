// Makes one model call: opens the stream, passes its parts on, and ends with success, failure or a
// cancel. A call that may succeed later is tried again from the beginning, after a pause
// (protocol.md section 4, Bounds of a run).

import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
} from "@ai-sdk/provider";
import { sleep } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import { IdleWatch } from "../base/idleWatch.js";
import { traced } from "../base/telemetry.js";
import { untilAborted } from "../base/untilAborted.js";
import { listenForLife } from "../models/callLife.js";
import { readNote } from "../models/callNote.js";
import { isConfigured } from "../models/configuredModel.js";
import { GarbledReplyError } from "../models/errorFacts.js";
import { explainCut, explainError, explainSilence } from "../models/explainError.js";
import type { ModelFailure } from "../models/modelFailure.js";
import type { ModelIdentity } from "../models/modelIdentity.js";
import { retryDelay } from "../models/retry.js";
import { ReadingPace } from "./readingPace.js";
import { ReplyCheck } from "./replyCheck.js";
import type { AgentSurroundings } from "./turn.js";

/** A call, and its limits. */
export interface ModelCall {
  readonly model: LanguageModelV3;
  /** The provider's id in the configuration. */
  readonly providerId: string;
  readonly options: LanguageModelV3CallOptions;
  /** Ends the call, also in a pause between two tries. */
  readonly signal: AbortSignal;
  /** How long the model may send nothing. */
  readonly idleSeconds: number;
  readonly random: () => number;
  /** Called when a try has failed and another one comes. */
  onRetry?(retry: Retry): void;
}

/** A try after a pause. */
export interface Retry {
  /** Its number, from 2. */
  readonly attempt: number;
  readonly waitMs: number;
  /** Why the previous try failed, without secrets. */
  readonly reason: string;
}

/** Takes the stream of a model. An error that it throws ends the call and is thrown on. */
export interface ReplyReceiver {
  part(part: LanguageModelV3StreamPart): void;
  /** Everything so far is invalid: the reply begins again. */
  restart(): void;
}

/** How a call ended. */
export type CallResult =
  | {
      readonly kind: "finished";
      readonly finishReason: LanguageModelV3FinishReason;
      readonly usage: LanguageModelV3Usage;
    }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly failure: ModelFailure };

type PartReader = ReadableStreamDefaultReader<LanguageModelV3StreamPart>;
type FinishPart = Extract<LanguageModelV3StreamPart, { type: "finish" }>;

/** Calls a model. Never rejects because of the model or its provider. */
export async function callModel(
  call: ModelCall,
  receiver: ReplyReceiver,
  surroundings: AgentSurroundings,
): Promise<CallResult> {
  for (let attempt = 1; ; attempt++) {
    const result = await tracedAttempt(call, receiver, surroundings, attempt);
    if (result.kind !== "failed") return result;
    const waitMs = retryDelay(result.failure, attempt, call.random);
    if (waitMs === undefined) return { kind: "failed", failure: told(result.failure, attempt) };
    const { errorName, message } = result.failure;
    surroundings.log.info({ attempt, waitMs, errorName, error: message }, "model call is retried");
    call.onRetry?.({ attempt: attempt + 1, waitMs: Math.round(waitMs), reason: message });
    try {
      await sleep(surroundings.clock, waitMs, call.signal);
    } catch {
      // It rejects for only one reason: the call was cancelled.
      return { kind: "cancelled" };
    }
    receiver.restart();
  }
}

/** Each try is a request of its own, and so is its span. */
function tracedAttempt(
  call: ModelCall,
  receiver: ReplyReceiver,
  surroundings: AgentSurroundings,
  attempt: number,
): Promise<CallResult> {
  const { providerId, model, options } = call;
  const { modelId } = model;
  return traced(
    "chat",
    () => ({ providerId, modelId, attempt, options, purpose: readNote(options).purpose }),
    (seen) => {
      const seeing: ReplyReceiver | undefined = seen && {
        part(part) {
          seen(part);
          receiver.part(part);
        },
        restart: () => receiver.restart(),
      };
      return new Attempt(call, seeing ?? receiver, surroundings).run();
    },
    (result) => {
      if (result.kind === "cancelled") return result;
      if (result.kind === "finished") {
        const { kind, usage, finishReason } = result;
        return { kind, usage, finishReason: finishReason.unified };
      }
      const { errorName, message } = result.failure;
      return { kind: result.kind, errorName, error: message };
    },
  );
}

function told(failure: ModelFailure, attempts: number): ModelFailure {
  if (attempts === 1) return failure;
  return { ...failure, message: `${failure.message} Tried ${attempts} times.` };
}

/** One try. */
class Attempt {
  readonly #call: ModelCall;
  readonly #receiver: ReplyReceiver;
  readonly #surroundings: AgentSurroundings;
  /**
   * Aborted by the turn's cancel, by silence, and where the call ends before its stream, so that no
   * request stays open.
   */
  readonly #abort = new AbortController();
  #isSilent = false;
  /** Whether the stream has ended by itself. */
  #isRead = false;

  constructor(call: ModelCall, receiver: ReplyReceiver, surroundings: AgentSurroundings) {
    this.#call = call;
    this.#receiver = receiver;
    this.#surroundings = surroundings;
  }

  async run(): Promise<CallResult> {
    const { signal, idleSeconds } = this.#call;
    if (signal.aborted) return { kind: "cancelled" };
    const onCancel = () => this.#abort.abort(signal.reason);
    signal.addEventListener("abort", onCancel, { once: true });
    const idleMs = idleSeconds * 1000;
    const watch = new IdleWatch(this.#surroundings.clock, idleMs, () => {
      this.#isSilent = true;
      this.#abort.abort(new Error("the model sent nothing for too long"));
    });
    const endLife = listenForLife(this.#abort.signal, idleMs, () => watch.sign());
    try {
      return await this.#stream(watch);
    } finally {
      watch.stop();
      endLife();
      signal.removeEventListener("abort", onCancel);
      if (!this.#isRead) this.#abort.abort();
    }
  }

  async #stream(watch: IdleWatch): Promise<CallResult> {
    let stream: ReadableStream<LanguageModelV3StreamPart>;
    try {
      stream = await this.#open();
    } catch (error) {
      return this.#ended(error);
    }
    faultPoint("modelCalled");
    watch.touch();
    const reader = stream.getReader();
    // Cancelling the reader ends its pending read at once, even if the model ignores the signal. A
    // race at each read would cost more, and keep every promise in memory.
    const onAbort = () => this.#discard(reader.cancel(this.#abort.signal.reason));
    this.#abort.signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#read(reader, watch);
    } finally {
      // A call whose stream has ended is not aborted any more, and its signal may live on.
      if (this.#isRead) this.#abort.signal.removeEventListener("abort", onAbort);
    }
  }

  async #read(reader: PartReader, watch: IdleWatch): Promise<CallResult> {
    const { signal } = this.#abort;
    const check = new ReplyCheck();
    const pace = new ReadingPace();
    let finish: FinishPart | undefined;
    for (;;) {
      let next: Awaited<ReturnType<PartReader["read"]>>;
      try {
        next = await reader.read();
      } catch (error) {
        return this.#ended(error);
      }
      if (signal.aborted) return this.#ended(signal.reason);
      if (next.done) {
        this.#isRead = true;
        return this.#finished(finish, check);
      }
      watch.touch();
      const part = next.value;
      if (part.type === "error") return this.#ended(part.error);
      if (!check.admits(part)) return this.#ended(new GarbledReplyError("the reply has no end"));
      if (part.type === "finish") finish = part;
      else this.#receiver.part(part);
      if (pace.isDue) await pace.yield();
    }
  }

  /** Opens the stream. Ends at the abort, even if the model does not. */
  async #open(): Promise<ReadableStream<LanguageModelV3StreamPart>> {
    const { signal } = this.#abort;
    const opening = Promise.resolve(
      this.#call.model.doStream({ ...this.#call.options, abortSignal: signal }),
    );
    try {
      return (await untilAborted(opening, signal)).stream;
    } finally {
      if (signal.aborted) this.#discard(opening.then(({ stream }) => stream.cancel(signal.reason)));
    }
  }

  #finished(finish: FinishPart | undefined, check: ReplyCheck): CallResult {
    // Some packages end a broken stream with a finish part without a reason.
    const isCut = finish?.finishReason.unified === "other" && finish.finishReason.raw === undefined;
    if (finish === undefined || isCut) {
      return { kind: "failed", failure: explainCut(this.#identity()) };
    }
    const problem = check.problemOf(finish.finishReason, readNote(this.#call.options).purpose);
    if (problem !== undefined) return this.#ended(problem);
    return { kind: "finished", finishReason: finish.finishReason, usage: finish.usage };
  }

  #ended(error: unknown): CallResult {
    if (this.#call.signal.aborted) return { kind: "cancelled" };
    if (this.#isSilent) {
      return { kind: "failed", failure: explainSilence(this.#identity(), this.#call.idleSeconds) };
    }
    const { model } = this.#call;
    const now = this.#surroundings.clock.now();
    const failure = isConfigured(model)
      ? model.explain(error, now)
      : explainError(error, this.#identity(), now);
    return { kind: "failed", failure };
  }

  #identity(): ModelIdentity {
    const { model, providerId } = this.#call;
    return isConfigured(model) ? model.identity : { providerId, modelId: model.modelId };
  }

  /** Ignores the result of a promise that nobody waits for. */
  #discard(ending: Promise<void>): void {
    ending.catch((error: unknown) => {
      this.#surroundings.log.debug({ error: messageOf(error) }, "an abandoned model call ended");
    });
  }
}
