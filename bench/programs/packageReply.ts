// A model through the package of its provider, and the one tool of the benches.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text as wholeText } from "node:stream/consumers";
import type {
  LanguageModelV3,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3ToolCall,
} from "@ai-sdk/provider";
import { defined } from "../../src/base/defined.js";

/** The model as the package of its provider makes it. */
export async function packageModel(baseURL: string): Promise<LanguageModelV3> {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  return createOpenAICompatible({ name: "bench", baseURL }).chatModel("bench-1");
}

export function bashTool(): LanguageModelV3FunctionTool {
  return {
    type: "function",
    name: "bash",
    description: "Runs a command line in bash.",
    inputSchema: {
      type: "object",
      properties: { command: { type: "string" } },
      required: ["command"],
    },
  };
}

/** One reply; returns the last call in it. */
export async function* replyOf(
  model: LanguageModelV3,
  prompt: LanguageModelV3Message[],
  tools: LanguageModelV3FunctionTool[] | undefined,
): AsyncGenerator<string, LanguageModelV3ToolCall | undefined> {
  const { stream } = await model.doStream({ prompt, ...defined({ tools }) });
  const reader = stream.getReader();
  let call: LanguageModelV3ToolCall | undefined;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (next.value.type === "text-delta") yield next.value.delta;
    if (next.value.type === "tool-call") call = next.value;
  }
  return call;
}

/** Runs the command of a call; gives the call and its result as the model is told them. */
export async function carriedOut({
  toolCallId,
  toolName,
  input: given,
}: LanguageModelV3ToolCall): Promise<LanguageModelV3Message[]> {
  const input = JSON.parse(given);
  // With a socket as its input, bash may take itself for a login from afar, and read `.bashrc`.
  const child = spawn("bash", ["-c", input.command], { stdio: ["ignore", "pipe", "inherit"] });
  const [value] = await Promise.all([wholeText(child.stdout), once(child, "close")]);
  const output = { type: "text", value } as const;
  return [
    { role: "assistant", content: [{ type: "tool-call", toolCallId, toolName, input }] },
    { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] },
  ];
}
