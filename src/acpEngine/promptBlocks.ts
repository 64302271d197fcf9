// What is sent with `session/prompt`: the user's prompt, and before it what the agent's own session
// does not know.
import { pathToFileURL } from "node:url";
import { cutText, cutTextStart } from "../base/text.js";
import type { HistoryMessage, Prompt } from "../engine/engine.js";
import type { AgentAbilities } from "./engineAgent.js";

/** The longest account of what was said before, in UTF-16 units. */
const longestAccount = 60_000;
const longestMessage = 8_000;

/** What a prompt is sent with. */
export interface PromptSurroundings {
  readonly can: AgentAbilities;
  /** The messages that the agent's session has not seen. */
  readonly unknown?: readonly HistoryMessage[];
  /** What the client wants the agent to heed in this run. */
  readonly instructions?: string | undefined;
  /** The names of the agent's commands. */
  readonly commands?: readonly string[];
}

/** The blocks of a prompt. */
export function promptBlocks(
  { text, attachments }: Prompt,
  { can, unknown = [], instructions = "", commands = [] }: PromptSurroundings,
): object[] {
  const before = [accountOf(unknown), instructionsOf(instructions)].filter((one) => one !== "");
  const told = before.map((one) => ({ type: "text", text: one }));
  const own = text === "" ? [] : [{ type: "text", text }];
  // An agent sees a command only where the prompt begins with it.
  const command = /^\/(\S{1,200})/.exec(text)?.[1];
  const isCommand = command !== undefined && commands.includes(command);
  return [
    ...(isCommand ? [...own, ...told] : [...told, ...own]),
    ...attachments.map((one) => attachmentBlock(one, can)),
  ];
}

function instructionsOf(instructions: string): string {
  if (instructions.trim() === "") return "";
  return `<instructions>\nThe user's program asks you to heed this in your answer to the request.\n\n${instructions}\n</instructions>`;
}

function attachmentBlock(
  { name, mimeType, data, path }: Prompt["attachments"][number],
  can: AgentAbilities,
): object {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const uri = path === undefined ? `attachment:///${encodeURIComponent(name)}` : pathUrl(path);
  if (mimeType.startsWith("image/")) {
    if (can.images) return { type: "image", mimeType, data: bytes.toString("base64") };
    return { type: "text", text: `[The image ${name} cannot be shown to this agent.]` };
  }
  const text = bytes.toString("utf8");
  if (can.embeddedContext) return { type: "resource", resource: { uri, mimeType, text } };
  return {
    type: "text",
    text: `<attachment name=${JSON.stringify(name)}>\n${text}\n</attachment>`,
  };
}

function pathUrl(path: string): string {
  return pathToFileURL(path).href;
}

/** What was said before, in so far as the agent has to be told; empty if there is nothing. */
function accountOf(messages: readonly HistoryMessage[]): string {
  const told = messages.flatMap(({ role, parts }) => {
    const said = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    const tools = parts.flatMap((part) => (part.type === "toolCall" ? [part.name] : []));
    const lines = [
      ...(said === ""
        ? []
        : [`${role === "user" ? "User" : "Assistant"}: ${cutText(said, longestMessage)}`]),
      ...(tools.length === 0 ? [] : [`(The assistant used: ${tools.join(", ")}.)`]),
    ];
    return lines.length === 0 ? [] : [lines.join("\n")];
  });
  if (told.length === 0) return "";
  const text = cutTextStart(told.join("\n\n"), longestAccount);
  return `<earlier>\nThis was said earlier in this conversation. It is for your information only; the request follows below.\n\n${text}\n</earlier>`;
}
