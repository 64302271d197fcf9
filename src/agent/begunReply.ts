// A turn that another server has begun, as this one finds it (protocol.md section 4, Going on after a
// loss). Results that stand, stand; a call that was running is never run again.
import { defined } from "../base/defined.js";
import type { BegunTurn, HistoryMessage, MessageWriter } from "../engine/engine.js";
import type { FinalOutput } from "./finalOutput.js";
import type { OutcomeMessage } from "./outcome.js";
import { failedResult, type Settled } from "./settledCall.js";
import type { RequestedCall } from "./streamedReply.js";
import { type ParsedInput, parseToolInput } from "./toolInput.js";

/** A whole reply whose calls are to be run, or have ended. */
export interface WholeReply {
  readonly writer: MessageWriter;
  /** Its tool calls, in order. */
  end(): readonly RequestedCall[];
}

/** The reply with which the turn goes on. */
export function begunReply({ assistant }: NonNullable<BegunTurn["reply"]>): WholeReply {
  const calls = callsOf(assistant);
  return { writer: assistant, end: () => calls };
}

/** The calls of a reply that is stored, in order. */
export function callsOf({ parts }: Pick<MessageWriter, "parts">): RequestedCall[] {
  return parts.flatMap((part, partIndex): RequestedCall[] => {
    if (part.type !== "toolCall") return [];
    const { toolCallId, name, state, input } = part;
    return [{ partIndex, toolCallId, name, input: inputOf(state, input) }];
  });
}

function inputOf(state: string, input: unknown): ParsedInput {
  if (typeof input !== "string") return { ok: true, value: input };
  if (state !== "streaming") return parseToolInput(input);
  const problem = "The reply broke off before the call was complete.";
  return { ok: false, text: input, problem };
}

/**
 * The result of a call that another server has begun or ended; undefined if it has not begun: then it is
 * run like every other.
 */
export function standingResult(
  { assistant, message }: { readonly assistant: MessageWriter; readonly message: MessageWriter },
  call: RequestedCall,
  mayStillRun: boolean,
): Settled | undefined {
  const part = assistant.parts[call.partIndex];
  if (part?.type !== "toolCall" || part.state === "streaming" || part.state === "pending") {
    return undefined;
  }
  const result = message.parts.find(
    (one) => one.type === "toolResult" && one.toolCallId === part.toolCallId,
  );
  const found = result?.type === "toolResult" ? result : undefined;
  if (part.state === "running") return unknownResult(found?.output ?? "", mayStillRun);
  const { output = "", isError = true, diff } = found ?? {};
  const denied = part.state === "denied" ? true : undefined;
  return { output, isError, state: part.state, ...defined({ diff, denied }) };
}

/** The refused calls of a turn that another server has begun. */
export interface RefusedBefore {
  /** All, as far as they are known. */
  readonly all: number;
  /** Those in a row at the end, without the reply whose calls have not all ended. */
  readonly inRow: number;
}

/** What was refused in a turn that another server has begun. It counts towards the limits. */
export function refusedBefore(begun: BegunTurn | undefined): RefusedBefore {
  const { messages = [], progress, reply } = begun ?? {};
  const states = messages.flatMap(statesOf).filter((state) => state !== "cancelled");
  const inRow = states.length - 1 - states.findLastIndex((state) => state !== "denied");
  // What was counted was stored before the calls of the last whole reply were made.
  const last = messages.find(({ id }) => id === progress?.reply?.messageId);
  const since = statesOf(reply?.assistant ?? last ?? { parts: [] });
  const refused = since.filter((state) => state === "denied").length;
  return { all: (progress?.denials ?? 0) + refused, inRow };
}

function statesOf({ parts }: Pick<MessageWriter, "parts">): string[] {
  return parts.flatMap((part) => (part.type === "toolCall" ? part.state : []));
}

function unknownResult(output: string, mayStillRun: boolean): Settled {
  const rest = mayStillRun ? " It may still be running." : "";
  const note = `The server stopped while this ran, and it is not known whether it had its effect: look before you do it again.${rest}`;
  return failedResult(output === "" ? note : `${output}\n\n${note}`);
}

/** The typed command that has not been carried out, because the server was lost right behind it. */
export function openCommand(messages: readonly HistoryMessage[]): string | undefined {
  const last = messages.at(-1);
  const text = last?.parts.find((part) => part.type === "text");
  return last?.role === "user" && text?.type === "text" ? text.text : undefined;
}

/** The reply with which the turn was about to end; undefined if it goes on. */
export function lastWord(messages: readonly HistoryMessage[]): OutcomeMessage | undefined {
  const last = messages.at(-1);
  const end = last?.parts.at(-1);
  const isLast = end?.type === "finish" && ["endTurn", "maxTokens"].includes(end.reason);
  const hasCalls = last?.parts.some(({ type }) => type === "toolCall");
  return last?.role === "assistant" && isLast && !hasCalls ? last : undefined;
}

/**
 * The messages of a turn under another server, as the model is to see them. Where it was to give an output
 * and did not, that is counted, and it is reminded again.
 */
export function goneOver(
  messages: readonly HistoryMessage[],
  output: FinalOutput | undefined,
): readonly HistoryMessage[] {
  if (output === undefined) return messages;
  return messages.flatMap((message) => {
    const isWord = lastWord([message]) !== undefined;
    const hasFailed = message.parts.some(
      (part) =>
        part.type === "toolCall" && part.name === output.tool.name && part.state === "failed",
    );
    if (isWord || hasFailed) output.missed();
    return isWord ? [message, output.reminder(message.id)] : [message];
  });
}
