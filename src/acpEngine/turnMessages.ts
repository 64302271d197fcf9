// Makes the messages of a turn from an agent's updates: texts, thoughts, and tool calls with their
// results.
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { MessageWriter, TurnSink } from "../engine/engine.js";
import type { FinishReason, Part, ToolCallState } from "../protocol/objects/message.js";
import { type Json, object, text } from "./reading.js";
import { ToolCallFields, textOf } from "./toolCallFields.js";
import { type EndCall, tracedCalls } from "./tracedCalls.js";

type FinalState = Extract<ToolCallState, "completed" | "failed" | "denied" | "cancelled">;

/** A message of the agent, and the message with the results of its calls. */
interface Pair {
  readonly assistant: MessageWriter;
  results: MessageWriter | undefined;
  hasCalls: boolean;
  openCalls: number;
  /** The agent's id of the message that is written now. */
  messageId: string | undefined;
  /** The part that streams, if the next chunk may belong to it. */
  streaming: { readonly type: "text" | "reasoning"; readonly index: number } | undefined;
}

interface Call {
  readonly fields: ToolCallFields;
  readonly pair: Pair;
  readonly index: number;
  readonly endSpan: EndCall;
  result: number | undefined;
  isDenied: boolean;
  isOver: boolean;
}

/** The most calls of one turn that are told: more is a program that runs wild. */
const mostCalls = 10_000;
/** The most text of one turn that is kept, thoughts too, in UTF-16 units. */
const mostText = 4 * 1024 * 1024;
/** The most messages that one turn begins because the agent gives them ids of their own. */
const mostMessages = 10_000;

/** The messages of one turn. */
export class TurnMessages {
  readonly #sink: TurnSink;
  readonly #provider: string;
  readonly #calls = new Map<string, Call>();
  /** By the agent's id: our id of the newest call that has it. */
  readonly #ids = new Map<string, string>();
  readonly #beginSpan = tracedCalls();
  readonly #onStep: () => void;
  #pair: Pair | undefined;
  /** How much text was kept, and how many messages were begun. */
  #kept = 0;
  #begun = 0;

  /**
   * @param provider the engine's name, which the messages carry.
   * @param onStep hears of each step that the agent has finished: a call that has ended, and a message
   *   without calls that another one follows.
   */
  constructor(sink: TurnSink, provider: string, onStep: () => void) {
    this.#sink = sink;
    this.#provider = provider;
    this.#onStep = onStep;
  }

  /** Whether a tool call has begun and not ended. */
  get hasOpenCall(): boolean {
    return (this.#pair?.openCalls ?? 0) > 0;
  }

  /** Whether calls have been told and all have ended: the agent's next model call follows. */
  get isBetweenCalls(): boolean {
    return this.#pair?.hasCalls === true && this.#pair.openCalls === 0;
  }

  /** What follows begins a new message, because the user has said something in between. */
  cut(reason: FinishReason): void {
    if (this.#pair === undefined) return;
    this.#finishPair(this.#pair, reason);
    this.#pair = undefined;
  }

  /** The id and the text of the last message. */
  get last(): { readonly id: string; readonly text: string } | undefined {
    if (this.#pair === undefined) return undefined;
    const { id, parts } = this.#pair.assistant;
    return { id, text: parts.map((part) => (part.type === "text" ? part.text : "")).join("") };
  }

  /** Takes a chunk of the agent's message or of its thoughts. */
  chunk(type: "text" | "reasoning", update: Json): void {
    // Remarks about the agent itself are no part of its answer.
    if (object(object(update._meta).claudeCode).kind === "informational") return;
    const delta = this.#bounded(textOf(object(update.content)));
    if (delta === "") return;
    const pair = this.#pairForText(text(update.messageId));
    const { assistant } = pair;
    if (pair.streaming?.type !== type) {
      pair.streaming = { type, index: assistant.addPart({ type, text: "" }) };
    }
    assistant.append(pair.streaming.index, delta);
  }

  /**
   * Takes a tool call, or what is new of one. Some agents tell of a call first when they ask for its
   * permission, others with its first update. Some give the id of a call that has ended to another one,
   * which must not be taken for the first: nobody has allowed it.
   */
  toolCall(update: Json): ToolCallFields | undefined {
    const id = text(update.toolCallId);
    if (id === undefined) return undefined;
    const known = this.#calls.get(this.#ids.get(id) ?? "");
    const isOther = known === undefined || (known.isOver && !isMoreOfOne(update));
    const call = isOther ? this.#begin(id, update) : known;
    if (call === undefined || call.isOver) return call?.fields;
    call.fields.take(update);
    const { status } = call.fields;
    if (status === "completed" || status === "failed") {
      const isFailed = call.fields.isError;
      this.#end(call, call.isDenied ? "denied" : isFailed ? "failed" : "completed");
      this.#onStep();
    } else this.#tell(call, status === "in_progress" ? "running" : "pending");
    return call.fields;
  }

  /** Notes that the permission of a call was refused: it then ends as `denied`. */
  deny(id: string): void {
    const call = this.#calls.get(id);
    if (call !== undefined) call.isDenied = true;
  }

  /** Ends the turn: calls that are open end too, and the last message gets its reason. */
  finish(reason: FinishReason, message?: string): { readonly id: string; readonly text: string } {
    const pair = this.#pair ?? this.#open();
    for (const call of this.#calls.values()) {
      if (!call.isOver) this.#end(call, stateAt(reason, call));
    }
    pair.assistant.finish(reason, message);
    const { last } = this;
    return last ?? { id: pair.assistant.id, text: "" };
  }

  /** What of a text is kept. */
  #bounded(delta: string): string {
    const room = mostText - this.#kept;
    this.#kept += delta.length;
    if (delta.length <= room) return delta;
    const isFirst = room >= 0;
    if (isFirst) {
      const limit = `${mostText / 1024 / 1024} MiB`;
      this.#sink.warn(
        `The engine ${this.#provider} said more than ${limit} in one turn; the rest was left out.`,
      );
    }
    return cutText(delta, Math.max(0, room));
  }

  /** The message for a text: a new one once the calls of the present one have all ended. */
  #pairForText(messageId: string | undefined): Pair {
    const pair = this.#pair ?? this.#open(messageId);
    const isOther =
      messageId !== undefined &&
      pair.messageId !== undefined &&
      messageId !== pair.messageId &&
      this.#begun < mostMessages;
    if (pair.openCalls > 0 || !(pair.hasCalls || (isOther && pair.assistant.parts.length > 0))) {
      if (isOther) pair.streaming = undefined;
      pair.messageId = messageId ?? pair.messageId;
      return pair;
    }
    this.#finishPair(pair, pair.hasCalls ? "toolUse" : "endTurn");
    return this.#open(messageId);
  }

  #finishPair({ assistant, hasCalls }: Pair, reason: FinishReason): void {
    assistant.finish(reason);
    // A call is a step of its own, when it ends.
    if (!hasCalls) this.#onStep();
  }

  #open(messageId?: string): Pair {
    this.#begun += 1;
    const assistant = this.#sink.createMessage({ role: "assistant", provider: this.#provider });
    this.#pair = {
      assistant,
      results: undefined,
      hasCalls: false,
      openCalls: 0,
      messageId,
      streaming: undefined,
    };
    return this.#pair;
  }

  #begin(id: string, update: Json): Call | undefined {
    if (this.#calls.size >= mostCalls) return undefined;
    const own = this.#calls.has(id) ? this.#freeId(id) : id;
    const fields = new ToolCallFields(own);
    fields.take({ ...update, status: undefined });
    const pair = this.#pair ?? this.#open();
    pair.hasCalls = true;
    pair.openCalls += 1;
    pair.streaming = undefined;
    const { name, input } = fields;
    const part = { type: "toolCall", toolCallId: own, name, input, state: "pending" } as const;
    const index = pair.assistant.addPart(part);
    const endSpan = this.#beginSpan(fields);
    const rest = { result: undefined, isDenied: false, isOver: false };
    const call: Call = { fields, pair, index, endSpan, ...rest };
    this.#calls.set(own, call);
    this.#ids.set(id, own);
    return call;
  }

  #freeId(id: string): string {
    let number = this.#calls.size + 1;
    while (this.#calls.has(`${id}~${number}`)) number++;
    return `${id}~${number}`;
  }

  /** Shows what has changed of an open call. */
  #tell(call: Call, state: "pending" | "running"): void {
    this.#setCall(call, state);
    const { output } = call.fields;
    if (output === "") return;
    const { results, index } = this.#result(call);
    const part = results.parts[index];
    const shown = part?.type === "toolResult" ? part.output : "";
    // Text that is replaced is shown at the end: to store it at each change would take too long.
    if (output.startsWith(shown)) results.append(index, output.slice(shown.length));
  }

  #end(call: Call, state: FinalState): void {
    call.isOver = true;
    call.endSpan(state);
    call.pair.openCalls -= 1;
    const { fields } = call;
    const { results, index } = this.#result(call);
    results.setPart(index, {
      type: "toolResult",
      toolCallId: fields.id,
      name: fields.name,
      output: fields.output || (state === "completed" ? "" : endText[state]),
      isError: state !== "completed",
      ...defined({ diff: state === "completed" ? fields.diff : undefined }),
    });
    this.#setCall(call, state);
  }

  #setCall({ fields, pair, index }: Call, state: ToolCallState): void {
    const { name, input } = fields;
    const part: Part = { type: "toolCall", toolCallId: fields.id, name, input, state };
    const before = pair.assistant.parts[index];
    const isSame = JSON.stringify(before) === JSON.stringify(part);
    if (!isSame) pair.assistant.setPart(index, part);
  }

  #result(call: Call): { readonly results: MessageWriter; readonly index: number } {
    const { pair, fields } = call;
    pair.results ??= this.#sink.createMessage({ role: "tool" });
    const { id: toolCallId, name } = fields;
    call.result ??= pair.results.addPart({
      type: "toolResult",
      toolCallId,
      name,
      output: "",
      isError: false,
    });
    return { results: pair.results, index: call.result };
  }
}

const endText: Readonly<Record<Exclude<FinalState, "completed">, string>> = {
  failed: "The call failed.",
  denied: "Permission was denied.",
  cancelled: "The turn was stopped before the call had ended.",
};

/** Whether it only tells what is new of a call: a call and a question for permission can begin one. */
function isMoreOfOne({ sessionUpdate }: Json): boolean {
  return sessionUpdate === "tool_call_update";
}

/** The state of a call that the turn's end has left open. */
function stateAt(reason: FinishReason, { isDenied }: Call): FinalState {
  if (isDenied) return "denied";
  if (reason === "cancelled") return "cancelled";
  // An agent that says that it is done has ended its calls too, even if it does not say so.
  return reason === "endTurn" || reason === "maxTokens" ? "completed" : "failed";
}
