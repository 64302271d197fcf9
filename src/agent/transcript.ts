// Makes a text of a history, for the model that summarises it. It has every message, shortened if
// there is not enough room.
import { cutText, cutTextStart } from "../base/text.js";
import type { HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import { attachedText, isSentAsImage } from "./attachedContent.js";
import { textWeight, weightPerToken } from "./textWeight.js";
import { inputText } from "./toolInput.js";

const headings = { user: "User", assistant: "Agent", tool: "Tool results" } as const;
const separator = "\n\n";

/**
 * The sizes to which parts are cut, level after level, until everything fits; in the unit of
 * `textWeight`.
 */
const levels = [32_000, 16_000, 8000, 4000, 2000, 1000, 500, 250, 120] as const;
const lastLevel = 40;
/**
 * How much more of a part is kept than of a tool's output. The user's text explains what the work
 * is about.
 */
const worth = { summary: 8, said: 4, written: 2, output: 1 } as const;
/** The line that replaces text that was cut out. */
const markWeight = 40;

interface Piece {
  readonly full: string;
  readonly fullWeight: number;
  readonly worth: number;
  /** The text as it is shown. */
  text: string;
  weight: number;
}

interface Section {
  readonly heading: string;
  readonly pieces: readonly Piece[];
}

/**
 * A history as text that weighs at most `size` (`textWeight`). If it is longer, the oldest and
 * longest parts lose their middles first, until everything fits. Every message is present, and the
 * newest is shortened least. Undefined if there are too many messages for that.
 */
export function transcript(history: readonly HistoryMessage[], size: number): string | undefined {
  const sections = history.map(sectionOf).filter(({ pieces }) => pieces.length > 0);
  return shortened(sections, size) <= size ? written(sections) : undefined;
}

/** Shortens sections, in place, until they fit or cannot be shorter; returns their weight. */
function shortened(sections: readonly Section[], size: number): number {
  let total = sections.reduce((sum, section) => sum + weightOf(section), 0);
  const pieces = sections.flatMap((section) => section.pieces);
  for (const level of [...levels, lastLevel]) {
    for (const piece of pieces) {
      if (total <= size) return total;
      // On the last level, all parts are cut to the same size.
      const most = level === lastLevel ? level : level * piece.worth;
      total -= shorten(piece, Math.max(most, leastOf(piece, size)));
    }
  }
  return total;
}

/**
 * A {@link transcript} that always exists: if it does not fit, the middle of the whole text is cut
 * out.
 */
export function shortTranscript(history: readonly HistoryMessage[], size: number): string {
  const sections = history.map(sectionOf).filter(({ pieces }) => pieces.length > 0);
  if (shortened(sections, size) <= size) return written(sections);
  return clipped(written(sections), Math.floor(size / weightPerToken));
}

/**
 * Divides a history into pieces of whole messages, oldest first. There are as few pieces as
 * possible that each have a {@link transcript} of `size`, with a summary of the earlier pieces in
 * front. A message that is too long alone is a piece of its own.
 */
export function passages(
  history: readonly HistoryMessage[],
  size: number,
): readonly (readonly HistoryMessage[])[] {
  const made: HistoryMessage[][] = [];
  const room = Math.floor((size * 3) / 4);
  let left = 0;
  for (const message of history) {
    const least = leastWeight(message);
    const open = made.at(-1);
    if (open === undefined || least > left) {
      made.push([message]);
      left = room - least;
    } else {
      open.push(message);
      left -= least;
    }
  }
  return made;
}

/** A text without its middle, if it is longer than `size` characters. */
export function clipped(text: string, size: number): string {
  if (text.length <= size) return text;
  const half = Math.floor(size / 2);
  const head = cutText(text, half);
  const tail = cutTextStart(text, half);
  const leftOut = text.length - head.length - tail.length;
  return `${head}\n[… ${leftOut} characters left out …]\n${tail}`;
}

/** The summary of the earlier pieces always gets a part of the room. */
function leastOf(piece: Piece, size: number): number {
  return piece.worth === worth.summary ? size / 4 - 2 * markWeight : 0;
}

function leastWeight(message: HistoryMessage): number {
  const { heading, pieces } = sectionOf(message);
  const least = pieces.reduce((sum, { weight }) => {
    return sum + 1 + (weight > lastLevel + markWeight ? lastLevel + markWeight : weight);
  }, 0);
  return heading.length + separator.length + least;
}

/** Cuts a piece to about `most` if it is longer; returns how much weight was removed. */
function shorten(piece: Piece, most: number): number {
  if (piece.weight <= most + markWeight) return 0;
  const before = piece.weight;
  const share = most / piece.fullWeight;
  piece.text = clipped(piece.full, Math.floor(piece.full.length * share));
  piece.weight = textWeight(piece.text);
  if (piece.weight > most + markWeight) {
    // The beginning and the end are in a heavier script than the middle.
    piece.text = clipped(piece.full, Math.floor(most / weightPerToken));
    piece.weight = textWeight(piece.text);
  }
  return before - piece.weight;
}

function weightOf({ heading, pieces }: Section): number {
  return pieces.reduce((sum, { weight }) => sum + 1 + weight, heading.length + separator.length);
}

function written(sections: readonly Section[]): string {
  return sections
    .map(({ heading, pieces }) => [heading, ...pieces.map(({ text }) => text)].join("\n"))
    .join(separator);
}

function sectionOf(message: HistoryMessage): Section {
  const heading = message.isSummary ? "Summary of what came before" : headings[message.role];
  const pieces = message.parts.flatMap((part, index) => {
    const full = line(part, message.attachmentData?.get(index));
    if (full === "") return [];
    const weight = textWeight(full);
    return [{ full, fullWeight: weight, worth: worthOf(message, part), text: full, weight }];
  });
  return { heading: `## ${heading}`, pieces };
}

function worthOf(message: HistoryMessage, part: Part): number {
  if (part.type !== "text") return part.type === "attachment" ? worth.written : worth.output;
  if (message.isSummary) return worth.summary;
  return message.role === "user" ? worth.said : worth.written;
}

function line(part: Part, data: Uint8Array | undefined): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "toolCall":
      return `[calls ${part.name}: ${inputText(part.input)}]`;
    case "toolResult":
      return `[${part.name} ${part.isError ? "failed" : "gave"}]\n${part.output}`;
    case "attachment": {
      const isText = data !== undefined && !isSentAsImage(part.mimeType);
      const text = isText ? attachedText(data, part.mimeType) : undefined;
      const head = `[attached: ${part.name}, ${part.mimeType}]`;
      return text ? `${head}\n${text}` : head;
    }
    case "finish":
      return part.reason === "cancelled" ? "[cancelled by the user]" : "";
    case "reasoning":
      return "";
  }
}
