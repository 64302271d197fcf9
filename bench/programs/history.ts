// A conversation whose turns have one tool call each: as a server stores it, and as a provider gets it.
import type { LanguageModelV3Message } from "@ai-sdk/provider";

/** The messages of a turn. */
const cycle = 4;
const words = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. ".repeat(4);
const input = { path: "a.ts" };

/** A message as it is stored. */
export function storedMessage(index: number): { role: string; parts: object[] } {
  const call = { toolCallId: callId(index), name: "read" };
  const finish = (reason: string) => ({ type: "finish", reason });
  switch (index % cycle) {
    case 0:
      return { role: "user", parts: [{ type: "text", text: words }] };
    case 1: {
      const toolCall = { type: "toolCall", ...call, input, state: "completed" };
      return { role: "assistant", parts: [toolCall, finish("toolUse")] };
    }
    case 2: {
      const result = { type: "toolResult", ...call, output: words.repeat(5), isError: false };
      return { role: "tool", parts: [result] };
    }
    default:
      return { role: "assistant", parts: [{ type: "text", text: words }, finish("endTurn")] };
  }
}

/** The same message as it is sent. */
export function sentMessage(index: number): object {
  switch (index % cycle) {
    case 0:
      return { role: "user", content: words };
    case 1: {
      const call = { name: "read", arguments: JSON.stringify(input) };
      const toolCalls = [{ id: callId(index), type: "function", function: call }];
      return { role: "assistant", content: "", tool_calls: toolCalls };
    }
    case 2:
      return { role: "tool", tool_call_id: callId(index), content: words.repeat(5) };
    default:
      return { role: "assistant", content: words };
  }
}

/** The same message as a provider's package takes it. */
export function promptMessage(index: number): LanguageModelV3Message {
  const call = { toolCallId: callId(index), toolName: "read" };
  switch (index % cycle) {
    case 0:
      return { role: "user", content: [{ type: "text", text: words }] };
    case 1:
      return { role: "assistant", content: [{ type: "tool-call", ...call, input }] };
    case 2: {
      const output = { type: "text", value: words.repeat(5) } as const;
      return { role: "tool", content: [{ type: "tool-result", ...call, output }] };
    }
    default:
      return { role: "assistant", content: [{ type: "text", text: words }] };
  }
}

function callId(index: number): string {
  return `call_${Math.floor(index / cycle)}`;
}
