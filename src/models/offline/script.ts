// The language of the offline model's prompts (protocol.md section 10): lines that begin with `@`
// are steps. Which steps a call plays follows from its prompt alone; nothing is remembered between
// calls.
import type { LanguageModelV3Message, LanguageModelV3Prompt } from "@ai-sdk/provider";
import { outputToolName } from "../../base/outputTool.js";
import { isUserText } from "../callNote.js";

/** One step of a script. */
export type Step =
  | { readonly kind: "say" | "think"; readonly text: string }
  | { readonly kind: "chunks"; readonly count: number; readonly size: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "tool"; readonly name: string; readonly input: string }
  | { readonly kind: "fail"; readonly status: number; readonly message: string };

const directives = "@say, @think, @chunks, @wait, @tool, @output, @fail";
const defaultChunkSize = 16;
const mostChunks = 10_000_000;

/**
 * The steps that the next call plays: the rest of the turn's scripts, up to and including the next
 * tool call.
 *
 * @param turnStart index of the turn's first message; without it, the turn is taken to begin with
 * the last run of user messages that no tool call came before.
 * @param summarisedCalls how many tool calls of the turn a summary has replaced.
 */
export function stepsOfCall(
  prompt: LanguageModelV3Prompt,
  turnStart?: number,
  summarisedCalls = 0,
): readonly Step[] {
  const steps: Step[] = [];
  let played = summarisedCalls;
  for (const message of prompt.slice(turnStart ?? lastTurn(prompt))) {
    if (message.role === "user") steps.push(...stepsOfPrompt(userText(message)));
    if (message.role !== "assistant") continue;
    for (const part of message.content) {
      if (part.type === "tool-call") played++;
    }
  }
  // Each call of a turn, except the last, has played everything up to one tool call.
  let next = 0;
  for (let call = 0; call < played; call++) next = afterNextTool(steps, next);
  return steps.slice(next, afterNextTool(steps, next));
}

/** The user's own words in a message, without what stands for attached files. */
export function userText(message: LanguageModelV3Message): string {
  if (message.role !== "user") return "";
  return message.content
    .flatMap((part) => (part.type === "text" && isUserText(part) ? [part.text] : []))
    .join("\n");
}

function afterNextTool(steps: readonly Step[], from: number): number {
  const tool = steps.findIndex((step, index) => index >= from && step.kind === "tool");
  return tool === -1 ? steps.length : tool + 1;
}

function lastTurn(prompt: LanguageModelV3Prompt): number {
  let start = prompt.length;
  for (let index = prompt.length - 1; index >= 0; index--) {
    const message = prompt[index];
    if (message?.role === "user") start = index;
    const saidItAll =
      message?.role === "assistant" && !message.content.some((part) => part.type === "tool-call");
    if (saidItAll && start < prompt.length) break;
  }
  return start;
}

/** The steps of one prompt; a prompt without a script has one, which explains the model. */
function stepsOfPrompt(text: string): readonly Step[] {
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith("@"));
  if (lines.length === 0) return [{ kind: "say", text: explanation(text) }];
  return lines.map(parseLine);
}

function parseLine(line: string): Step {
  const [, directive = "", rest = ""] = /^@(\S*)\s?(.*)$/s.exec(line) ?? [];
  switch (directive) {
    case "say":
    case "think":
      return { kind: directive, text: rest };
    case "chunks":
      return parseChunks(line, rest);
    case "wait":
      return parseWait(line, rest);
    case "tool":
      return parseTool(line, rest);
    case "output":
      return { kind: "tool", name: outputToolName, input: rest.trim() || "{}" };
    case "fail":
      return parseFail(line, rest);
    default:
      return wrong(`The offline model does not know "@${directive}". It knows ${directives}.`);
  }
}

function parseChunks(line: string, rest: string): Step {
  const [, count, size] = /^(\d+)(?:\s+(\d+))?\s*$/.exec(rest) ?? [];
  if (count === undefined || Number(count) > mostChunks) return usage(line, "@chunks N [BYTES]");
  return {
    kind: "chunks",
    count: Number(count),
    size: size === undefined ? defaultChunkSize : Number(size),
  };
}

function parseWait(line: string, rest: string): Step {
  return /^\d+\s*$/.test(rest) ? { kind: "wait", ms: Number(rest) } : usage(line, "@wait MS");
}

function parseTool(line: string, rest: string): Step {
  const [, name, input = ""] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  if (name === undefined) return usage(line, "@tool NAME {json}");
  return { kind: "tool", name, input: input.trim() || "{}" };
}

function parseFail(line: string, rest: string): Step {
  const [, status, message = ""] = /^([45]\d\d)(?:\s+(.*))?$/s.exec(rest) ?? [];
  if (status === undefined) return usage(line, "@fail STATUS MESSAGE, STATUS from 400 to 599");
  return { kind: "fail", status: Number(status), message: message || "failed as its script says" };
}

function usage(line: string, form: string): Step {
  return wrong(`The offline model cannot read "${line.trim()}". Write ${form}.`);
}

function wrong(text: string): Step {
  return { kind: "say", text };
}

function explanation(prompt: string): string {
  return [
    "This is Turnwire's offline model. It needs no network and no key, and it can only repeat what you said:",
    "",
    prompt,
    "",
    "For a real model, set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or name a provider in config.json (the user's, under turnwire in the configuration folder).",
  ].join("\n");
}
