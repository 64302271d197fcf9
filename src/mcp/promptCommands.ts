// The prompts of tool servers as commands: `/mcp__docs__review src/a.ts`.
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { cutText } from "../base/text.js";
import type { Command } from "../protocol/objects/command.js";
import { ToolFailure } from "../tools/failure.js";
import { shownText } from "./fitSchema.js";
import { ContentBlock, type ListedPrompt } from "./messages.js";
import { resultText } from "./resultText.js";
import type { ServerConnection } from "./serverConnection.js";
import { toolName } from "./toolName.js";

const longestDescription = 500;

/** A prompt of a server under the name that it has as a command. */
export interface PromptCommand {
  readonly command: Command;
  readonly prompt: ListedPrompt;
  readonly connection: ServerConnection;
}

/** The commands of one server. */
export function commandsOf(server: string, connection: ServerConnection): PromptCommand[] {
  return connection.prompts.map((prompt) => ({
    command: commandOf(server, prompt),
    prompt,
    connection,
  }));
}

function commandOf(server: string, prompt: ListedPrompt): Command {
  const { name, title, description } = prompt;
  const words = cutText(description || title || name, 4_000)
    .replaceAll(/\s+/g, " ")
    .trim();
  const hint = (prompt.arguments ?? [])
    .map((one) => (one.required === true ? `<${shownText(one.name)}>` : `[${shownText(one.name)}]`))
    .join(" ");
  return {
    name: toolName(server, name),
    description: cutText(words, longestDescription),
    source: "mcp",
    ...defined({ argumentHint: hint || undefined }),
  };
}

/** The name of a command and the text after it; undefined if a text is no command. */
export function readCommand(text: string): { name: string; rest: string } | undefined {
  const found = /^\/(\S{1,64})(?:\s+|$)/.exec(text.slice(0, 100));
  if (found?.[1] === undefined) return undefined;
  return { name: found[1], rest: text.slice(found[0].length).trim() };
}

/**
 * The expansion of a command: the texts that the server makes from it and its arguments. If the
 * server fails, the text is the reason. Rejects only with the signal's reason.
 */
export async function expandCommand(
  rest: string,
  { prompt, connection }: PromptCommand,
  signal: AbortSignal,
): Promise<string> {
  try {
    const params = { name: prompt.name, arguments: namedArguments(prompt, rest) };
    return promptText(await connection.ask("prompts/get", params, signal));
  } catch (error) {
    signal.throwIfAborted();
    return `[This command could not be carried out: ${messageOf(error)}]`;
  }
}

/** One word for each argument, in order; the last argument gets the rest. Quotes join words. */
function namedArguments(prompt: ListedPrompt, rest: string): Record<string, string> {
  const names = (prompt.arguments ?? []).map(({ name }) => name);
  const given: Record<string, string> = Object.create(null);
  let left = rest;
  for (const [index, name] of names.entries()) {
    if (left === "") break;
    const isLast = index === names.length - 1;
    const word = isLast ? wholeOf(left) : firstOf(left);
    given[name] = word.text;
    left = left.slice(word.length).trimStart();
  }
  return given;
}

function wholeOf(text: string): { text: string; length: number } {
  const first = firstOf(text);
  return first.length === text.length ? first : { text, length: text.length };
}

function firstOf(text: string): { text: string; length: number } {
  const end = text.startsWith('"') ? text.indexOf('"', 1) : -1;
  if (end > 0) return { text: text.slice(1, end), length: end + 1 };
  const length = /\s/.exec(text)?.index ?? text.length;
  return { text: text.slice(0, length), length };
}

function promptText(answer: unknown): string {
  const isAnswer = typeof answer === "object" && answer !== null && "messages" in answer;
  const messages: unknown = isAnswer ? answer.messages : undefined;
  if (!Array.isArray(messages)) throw new ToolFailure('its answer has no list of "messages"');
  const content = messages.flatMap((one: { role?: unknown; content?: unknown } | null) => {
    const said = one?.content;
    const block = ContentBlock.safeParse(said);
    const blocks = Array.isArray(said) ? said : [block.data ?? said];
    return one?.role === "assistant" ? [{ type: "text", text: "Assistant:" }, ...blocks] : blocks;
  });
  return resultText({ content }, false).output;
}
