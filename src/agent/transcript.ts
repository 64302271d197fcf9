import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText, cutTextStart } from "../base/text.js";
import type { HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";

/** A transcript is no longer than this where the model's window is not known. */
const usualWindow = 128_000;
/** Text has three or four characters a token; some of the window is left for the summary. */
const charactersPerToken = 2.5;
const longestOutput = 4000;
const headings = { user: "User", assistant: "Agent", tool: "Tool results" } as const;

/** Lengths of a transcript to try one after another, in characters, for a window in tokens. */
export function transcriptSizes(contextWindow: number | undefined): readonly number[] {
  const size = Math.floor((contextWindow ?? usualWindow) * charactersPerToken);
  return [size, Math.floor(size / 3), Math.floor(size / 10)];
}

/**
 * A history as text, at most about `size` characters long: long outputs lose their middle, and where
 * that is not enough the oldest messages go, but for a summary that came before them.
 */
export function transcript(history: readonly HistoryMessage[], size: number): string {
  const outputSize = Math.min(longestOutput, Math.max(200, Math.floor(size / 20)));
  const [first, ...rest] = history;
  const opening = first?.isSummary ? [section(first, size)] : [];
  const sections = (first?.isSummary ? rest : history).map((message) =>
    section(message, outputSize),
  );
  let left = size - (opening[0]?.length ?? 0);
  let from = sections.length;
  while (from > 0 && left >= (sections[from - 1]?.length ?? 0)) {
    from--;
    left -= sections[from]?.length ?? 0;
  }
  const gap = from > 0 ? [`[${from} messages are left out here]`] : [];
  return [...opening, ...gap, ...sections.slice(from)].join("\n\n");
}

/** A text without its middle, where it is longer than `size` characters. */
export function clipped(text: string, size: number): string {
  if (text.length <= size) return text;
  const half = Math.floor(size / 2);
  const head = cutText(text, half);
  const tail = cutTextStart(text, half);
  const leftOut = text.length - head.length - tail.length;
  return `${head}\n[… ${leftOut} characters left out …]\n${tail}`;
}

function section(message: HistoryMessage, outputSize: number): string {
  const heading = message.isSummary ? "Summary of what came before" : headings[message.role];
  const lines = message.parts.map((part) => line(part, outputSize)).filter((text) => text !== "");
  return [`## ${heading}`, ...lines].join("\n");
}

function line(part: Part, outputSize: number): string {
  switch (part.type) {
    case "text":
      return clipped(part.text, outputSize * 4);
    case "toolCall":
      return `[calls ${part.name}: ${clipped(inputText(part.input), outputSize)}]`;
    case "toolResult": {
      const verdict = part.isError ? "failed" : "gave";
      return `[${part.name} ${verdict}]\n${clipped(part.output, outputSize)}`;
    }
    case "attachment":
      return `[attached: ${part.name}, ${part.mimeType}]`;
    case "finish":
      return part.reason === "cancelled" ? "[cancelled by the user]" : "";
    case "reasoning":
      return "";
  }
}

function inputText(input: unknown): string {
  return isNestedDeeper(input) ? "…" : (JSON.stringify(input) ?? "");
}
