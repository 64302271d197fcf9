// The result of a tool call, and how it is stored in both messages.
import { canonicalJson } from "../base/canonicalJson.js";
import type { MessageWriter } from "../engine/engine.js";
import type { Part, ToolCallState } from "../protocol/objects/message.js";
import type { ToolResult } from "../tools/tool.js";
import { withoutRepetitionNote } from "./repetition.js";
import type { ResultPart } from "./resultPart.js";
import type { RequestedCall } from "./streamedReply.js";

type CallPart = Extract<Part, { type: "toolCall" }>;
type FinalState = Extract<ToolCallState, "completed" | "failed" | "denied" | "cancelled">;

/** A result, and the state in which the call ended. */
export type Settled = ToolResult & { readonly state: FinalState };

/** Adds the images of a result to the message of results. */
export function attachImages(
  message: MessageWriter,
  call: RequestedCall,
  { images }: Settled,
): void {
  const { toolCallId } = call;
  for (const { name, mimeType, data } of images ?? []) {
    message.attach({ type: "attachment", name, mimeType, size: data.length, toolCallId }, data);
  }
}

/** A text that identifies a call and its result. */
export function signatureOf(
  { name, input }: RequestedCall,
  { output }: Pick<Settled, "output">,
): string {
  const told = withoutRepetitionNote(output);
  return JSON.stringify([name, input.ok ? canonicalJson(input.value) : input.text, told]);
}

/** Stores the result of a call, and its last state. */
export function settle(
  assistant: MessageWriter,
  call: RequestedCall,
  result: ResultPart,
  settled: Settled,
): void {
  result.set(settled);
  setState(assistant, call, settled.state);
}

/** Stores the state of a call, if it is another one. */
export function setState(
  assistant: MessageWriter,
  call: RequestedCall,
  state: CallPart["state"],
): void {
  const part = assistant.parts[call.partIndex];
  if (part?.type !== "toolCall" || part.state === state) return;
  assistant.setPart(call.partIndex, { ...part, state });
}

/** A result with the state that it leads to. */
export function settledResult(given: ToolResult, isCancelled: boolean): Settled {
  if (given.denied) return { ...given, isError: true, state: "denied" };
  if (!given.isError) return { ...given, state: "completed" };
  return { ...given, state: isCancelled ? "cancelled" : "failed" };
}

/** The result of a call that failed. */
export function failedResult(output: string): Settled {
  return { output, isError: true, state: "failed" };
}

/** The result of a call that was cancelled. */
export function cancelledResult(output: string): Settled {
  return { output, isError: true, state: "cancelled" };
}

/** Stores the input with which a call runs, if it is not the one that the model wrote. */
export function setInput(
  assistant: MessageWriter,
  { partIndex }: RequestedCall,
  input: unknown,
): void {
  const part = assistant.parts[partIndex];
  if (part?.type === "toolCall") assistant.setPart(partIndex, { ...part, input });
}
