// One turn of the agent: the loop from a user's prompt to the model's final reply. It makes a model
// call, runs the tool calls, makes the next model call, and so on, within the limits of a run
// (protocol.md section 4).
import type { LanguageModelV3 } from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import { faultPoint } from "../base/faultPoint.js";
import { TurnParked } from "../base/turnParked.js";
import type {
  BegunTurn,
  HistoryMessage,
  MessageWriter,
  Prompt,
  TurnOutcome,
} from "../engine/engine.js";
import { asHistory } from "./asHistory.js";
import { AttachmentUse } from "./attachmentUse.js";
import { begunReply, goneOver, lastWord, openCommand, type WholeReply } from "./begunReply.js";
import { ContextRoom } from "./contextRoom.js";
import { Conversation } from "./conversation.js";
import type { CallResult } from "./modelCall.js";
import { cancelled, failed, loadFailure, succeeded, type TurnFailure } from "./outcome.js";
import { RunBudget } from "./runBudget.js";
import { type RequestedCall, StreamedReply } from "./streamedReply.js";
import { writeSummary } from "./summarize.js";
import { ToolCallIds } from "./toolCallIds.js";
import { ToolCalls } from "./toolCalls.js";
import { inOneCommit } from "./toolStep.js";
import type { TurnInput, TurnPorts } from "./turn.js";
import { callTurnModel } from "./turnCall.js";
import { TurnEnds } from "./turnEnds.js";
import { TypedCommands } from "./typedCommands.js";
import { usageOf } from "./usage.js";

/**
 * Runs one turn to its end. The outcome says how it ended. It rejects only if the sink cannot
 * store; a provider, a model or a tool never makes it reject. It returns when every tool that began
 * has ended.
 *
 * It stores the user's message, an assistant message for each model call, and a tool message for
 * each reply that called tools. A turn that does not succeed ends with an assistant message that
 * says why (`cancelled`, `error`, `contentFilter`), and every tool call has a result, so that the
 * history can be sent again. A signal that is aborted already means that no model is called.
 */
export async function runTurn(input: TurnInput, ports: TurnPorts): Promise<TurnOutcome> {
  return new Turn(input, ports).run();
}

/** The result of the last call of a reply that was cut. */
const cutCall =
  "It was not run: the reply reached the most tokens that it may have, and this call may be incomplete. Do it in smaller pieces.";

type Finished = Extract<CallResult, { kind: "finished" }>;

class Turn {
  readonly #input: TurnInput;
  readonly #ports: TurnPorts;
  readonly #tools: ToolCalls;
  readonly #conversation: Conversation;
  readonly #room: ContextRoom;
  readonly #budget: RunBudget;
  readonly #toolCallIds: ToolCallIds;
  readonly #ends: TurnEnds;
  #maySummarize: boolean;
  readonly #commands: TypedCommands;
  readonly #attachments: AttachmentUse;

  constructor(input: TurnInput, ports: TurnPorts) {
    this.#input = input;
    this.#ports = ports;
    this.#tools = new ToolCalls(input, ports);
    this.#conversation = new Conversation(input.history);
    this.#room = new ContextRoom(input, this.#conversation);
    this.#budget =
      input.budget ??
      new RunBudget({ steps: { most: input.limits.maxSteps, field: "limits.maxSteps" } });
    this.#commands = new TypedCommands(input, ports);
    const { messages = [], reply } = input.begun ?? {};
    const begun = [...messages, ...(reply === undefined ? [] : [reply.assistant])];
    this.#toolCallIds = new ToolCallIds(input.history, begun);
    this.#ends = new TurnEnds(input, ports, { tools: this.#tools, toolCallIds: this.#toolCallIds });
    this.#maySummarize = input.autoSummarize;
    this.#attachments = new AttachmentUse(input.model.info, ports.sink);
  }

  /** Runs the turn, and adds the number of refused permissions to the outcome. */
  async run(): Promise<TurnOutcome> {
    const outcome = await this.#loop();
    const { denials } = this.#tools;
    return denials === 0 ? outcome : { ...outcome, denials };
  }

  async #loop(): Promise<TurnOutcome> {
    const { prompt, circumstances, begun } = this.#input;
    if (begun === undefined) this.#said(prompt, this.#ports.sink.say(prompt, circumstances));
    else this.#goOver(begun);
    if (this.#input.signal.aborted) return this.#ends.cancelled();
    this.#input.onBegin?.();
    let model: LanguageModelV3;
    try {
      model = await this.#input.model.load();
    } catch (error) {
      return this.#input.signal.aborted
        ? this.#ends.cancelled()
        : this.#ends.failed(loadFailure(error));
    }
    let outcome = begun && (await this.#goOn(begun));
    while (outcome === undefined) {
      outcome = (await this.#makeReady(model)) ?? (await this.#step(model));
    }
    return outcome;
  }

  /** Takes in what was said in the turn under another server. */
  #goOver({ messages }: BegunTurn): void {
    this.#conversation.add(...goneOver(messages, this.#input.output));
    for (const message of messages) if (message.role === "user") this.#attachments.said(message);
    this.#commands.typed(openCommand(messages) ?? "");
  }

  /** Goes on with the last whole reply, if it has not been dealt with. */
  async #goOn({ messages, reply, progress }: BegunTurn): Promise<TurnOutcome | undefined> {
    faultPoint("goingOn");
    if (reply !== undefined) {
      const finish = progress?.reply?.finish ?? "stop";
      return this.#settle(begunReply(reply), finish, reply.results);
    }
    const last = lastWord(messages);
    return last === undefined || this.#input.output !== undefined ? undefined : succeeded(last);
  }

  /**
   * The steps before a model call: check whether it may be made, add joining prompts, and make
   * room. Returns the outcome if the call must not be made.
   */
  async #makeReady(model: LanguageModelV3): Promise<TurnOutcome | undefined> {
    for (;;) {
      if (this.#input.signal.aborted) return this.#ends.cancelled();
      if (this.#input.parking?.aborted) throw new TurnParked();
      const { exceeded } = this.#budget;
      if (exceeded !== undefined) return this.#ends.failed(exceeded);
      for (const { prompt, message } of this.#ports.sink.takeFolded()) this.#said(prompt, message);
      await this.#ports.sink.stored?.();
      await this.#commands.carryOut((message) => this.#conversation.add(message));
      if (this.#input.signal.aborted) return this.#ends.cancelled();
      if (this.#room.isTooLarge) return this.#ends.failed(this.#room.overflow());
      if (!this.#maySummarize || !this.#room.isNearlyFull) return undefined;
      if (this.#conversation.summarisable().length === 0) return undefined;
      if (this.#room.isHopeless) return this.#ends.failed(this.#room.overflow());
      const outcome = await this.#summarize(model);
      if (outcome !== undefined) return outcome;
    }
  }

  /** Makes one model call and runs its tool calls. Returns the outcome if it was the last call. */
  async #step(model: LanguageModelV3): Promise<TurnOutcome | undefined> {
    // A sub-task may have used up what was left a moment ago: then it is told before the next call.
    if (!this.#budget.take()) return undefined;
    const { info } = this.#input.model;
    const reply = new StreamedReply(this.#ports.sink, info, this.#ports.ids, this.#toolCallIds);
    const result = await callTurnModel(
      { model, conversation: this.#conversation, attachments: this.#attachments },
      { input: this.#input, ports: this.#ports },
      reply,
    );
    if (result.kind === "finished") return this.#afterReply(result, reply);
    if (result.kind === "cancelled") return this.#ends.cancelled(reply);
    const { failure } = result;
    if (failure.isForImage && this.#attachments.refuse(this.#conversation, failure)) {
      this.#budget.giveBack();
      this.#ends.giveUp(reply, failure);
      return undefined;
    }
    if (failure.errorName !== "ContextOverflow") return this.#ends.failed(failure, reply);
    if (failure.contextWindow !== undefined) this.#input.model.learnWindow?.(failure.contextWindow);
    const mayShorten = this.#maySummarize && !this.#room.isHopeless;
    if (!mayShorten || this.#conversation.summarisable().length === 0) {
      return this.#ends.failed(this.#room.overflow(failure), reply);
    }
    this.#budget.giveBack();
    this.#ends.giveUp(reply, failure);
    return this.#summarize(model, failure);
  }

  async #afterReply(result: Finished, reply: StreamedReply): Promise<TurnOutcome | undefined> {
    const usage = usageOf(result.usage, this.#input.model.info);
    const { sink } = this.#ports;
    this.#room.replied(usage);
    this.#budget.spend(usage);
    const { unified } = result.finishReason;
    reply.end();
    const whole = { messageId: reply.writer.id, finish: unified };
    inOneCommit(sink, () => {
      sink.filled(this.#room.fill);
      sink.addUsage(usage);
      const { denials } = this.#tools;
      const ms = this.#input.usedMs?.() ?? 0;
      const memory = this.#input.memory?.();
      const far = { ...this.#budget.used, ms, denials, reply: whole, ...defined({ memory }) };
      sink.progressed?.(far);
    });
    faultPoint("replyStored");
    return this.#settle(reply, unified);
  }

  /** Deals with a whole reply. `results` is the message of its results, if that was begun. */
  async #settle(
    reply: WholeReply,
    unified: string,
    results?: MessageWriter,
  ): Promise<TurnOutcome | undefined> {
    if (unified === "content-filter") return this.#ends.filtered(reply);
    const calls = reply.end();
    if (calls.length > 0) return this.#runTools(calls, reply.writer, unified, results);
    const { output } = this.#input;
    const missed = output?.missed();
    if (missed !== undefined) return this.#ends.failed(missed, reply);
    if (unified === "length") {
      reply.writer.finish("maxTokens", "The reply reached the most tokens that it may have.");
    } else {
      reply.writer.finish("endTurn");
    }
    if (output === undefined) return succeeded(reply.writer);
    const { id, parts } = reply.writer;
    this.#conversation.add({ id, role: "assistant", parts: [...parts] }, output.reminder(id));
    return undefined;
  }

  async #runTools(
    calls: readonly RequestedCall[],
    assistant: MessageWriter,
    finishReason: string,
    results?: MessageWriter,
  ): Promise<TurnOutcome | undefined> {
    const last = calls.at(-1);
    const isCut = finishReason === "length";
    const unfit = (call: RequestedCall) => (isCut && call === last ? cutCall : undefined);
    const ran = await this.#tools.run(calls, assistant, unfit, results);
    const { message, failure: stopped } = ran;
    const overTime = this.#input.overTime?.();
    if (this.#input.signal.aborted && overTime === undefined) {
      assistant.finish("cancelled");
      return cancelled(assistant);
    }
    const given = this.#input.output?.given;
    if (given !== undefined && overTime === undefined) {
      assistant.finish("toolUse");
      return { ...succeeded(assistant), output: given.value };
    }
    const failure = overTime ?? stopped ?? this.#ends.missed(calls);
    if (failure !== undefined) {
      assistant.finish("error", failure.message);
      return failed(failure, assistant);
    }
    assistant.finish(isCut ? "maxTokens" : "toolUse");
    this.#conversation.add(asHistory(assistant, "assistant"), asHistory(message, "tool"));
    return undefined;
  }

  /**
   * Replaces everything before this turn's requests by a summary. If that fails, the turn goes on,
   * unless there is no room without it: then it fails with `overflow`.
   */
  async #summarize(
    model: LanguageModelV3,
    overflow?: TurnFailure,
  ): Promise<TurnOutcome | undefined> {
    const own = { ...this.#input.model, load: async () => model };
    const chosen = this.#input.summaryModel ?? own;
    const history = this.#conversation.summarisable();
    const result = await writeSummary({ ...this.#input, model: chosen, history }, this.#ports);
    if (result.kind === "cancelled") return this.#ends.cancelled();
    if (result.kind === "written") {
      const { id, parts } = result.writer;
      this.#conversation.summarised({ id, role: "assistant", parts: [...parts], isSummary: true });
      this.#room.summarised();
      return undefined;
    }
    this.#maySummarize = false;
    const error = result.kind === "failed" ? result.failure.message : "nothing to summarise";
    if (overflow !== undefined) {
      const message = `${overflow.message} It could not be summarised: ${error}`;
      return this.#ends.failed({ ...overflow, message });
    }
    this.#ports.log.warn({ error }, "the session could not be summarised; the turn goes on");
    return undefined;
  }

  #said(prompt: Prompt, message: HistoryMessage): void {
    this.#conversation.add(message);
    this.#attachments.said(message);
    this.#commands.typed(prompt.text);
  }
}
