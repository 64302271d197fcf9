/** A session as Markdown that a person can read. */
import { defined } from "../base/defined.js";
import type { Message, Part } from "../protocol/objects/message.js";
import type { Session } from "../protocol/objects/session.js";

/** The pieces of a transcript in order, each with its newlines. */
export function transcriptHead(session: Session): string {
  const { id, title, workspacePath, createdAt, messageCount, promptTokens, completionTokens } =
    session;
  const facts = Object.entries(
    defined({
      Session: id,
      Folder: workspacePath,
      Begun: createdAt,
      Messages: String(messageCount),
      Tokens: `${promptTokens} sent, ${completionTokens} received`,
      Cost: `$${session.cost.toFixed(4)}`,
    }),
  );
  const lines = facts.map(([name, value]) => `- ${name}: ${oneLine(value)}\n`);
  return `# ${oneLine(title) || "Session without a title"}\n\n${lines.join("")}`;
}

/** One message without the model's thoughts. Empty if it has nothing else. */
export function transcriptOf(message: Message): string {
  const pieces = message.parts.map(pieceOf).filter((piece) => piece !== "");
  if (pieces.length === 0) return "";
  return `\n${titleOf(message)}${pieces.map((piece) => `\n${piece}\n`).join("")}`;
}

function titleOf({ role, provider, model, isSummary }: Message): string {
  if (role === "tool") return "";
  if (role === "user") return "## User\n";
  const by = model === undefined ? "" : ` (${oneLine(`${provider ?? ""}/${model}`)})`;
  return `## ${isSummary ? "Summary" : "Assistant"}${by}\n`;
}

function pieceOf(part: Part): string {
  switch (part.type) {
    case "text":
      return part.text.trim();
    case "reasoning":
      return "";
    case "toolCall":
      return `**${oneLine(part.name)}** (${part.state})\n\n${fenced(inputText(part.input), "json")}`;
    case "toolResult":
      return `*${part.isError ? "Failed" : "Result"} of ${oneLine(part.name)}:*\n\n${fenced(part.output)}`;
    case "attachment":
      return `*Attached: ${oneLine(part.name)} (${oneLine(part.mimeType)}, ${part.size} bytes)*`;
    case "finish":
      return part.message === undefined ? "" : `*Ended (${part.reason}): ${oneLine(part.message)}*`;
  }
}

function inputText(input: unknown): string {
  return typeof input === "string" ? input : (JSON.stringify(input, null, 2) ?? "");
}

/** A block of code. The text cannot end the block too early. */
function fenced(text: string, language = ""): string {
  let longest = 2;
  let run = 0;
  for (const character of text) {
    run = character === "`" ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
