// Replaces exact text by other text: either all edits are made, or none.
import { ToolFailure } from "../failure.js";
import { describeNearest } from "./nearest.js";

const mostLinesTold = 10;
/** The most places that are counted. */
const mostCounted = 1_000;
/** The most replacements: the event loop waits while they are made. */
const mostReplaced = 50_000;

/** One replacement. */
export interface Edit {
  readonly oldText: string;
  readonly newText: string;
  readonly replaceAll?: boolean | undefined;
}

/**
 * Applies edits one after the other, each to what the one before left. New text gets the line ends
 * of the place where it goes, whatever the edit contains. `lineEnd` is that of most of the text.
 * @throws ToolFailure, naming the edit and the fix, if its text is not found, or found more than
 * once.
 */
export function applyEdits(text: string, lineEnd: "\n" | "\r\n", edits: readonly Edit[]): string {
  return edits.reduce(
    (current, edit, index) => applyEdit(current, lineEnd, edit, `edits[${index}]`),
    text,
  );
}

function applyEdit(text: string, lineEnd: "\n" | "\r\n", edit: Edit, name: string): string {
  if (edit.oldText === edit.newText) {
    throw new ToolFailure(`\`${name}\`: \`oldText\` and \`newText\` are the same.`);
  }
  // First with the file's own line ends: a line feed alone would also be found inside `\r\n`.
  const otherEnd = lineEnd === "\n" ? "\r\n" : "\n";
  const forms = [
    { oldText: withLineEnd(edit.oldText, lineEnd), end: lineEnd },
    { oldText: withLineEnd(edit.oldText, otherEnd), end: otherEnd },
    { oldText: edit.oldText, end: lineEnd },
  ] as const;
  for (const { oldText, end } of forms) {
    const first = text.indexOf(oldText);
    if (first === -1) continue;
    const newText = withLineEnd(edit.newText, end);
    if (edit.replaceAll === true) return replaceEvery(text, oldText, newText, name);
    if (text.includes(oldText, first + 1)) throw ambiguous(text, oldText, name);
    return text.slice(0, first) + newText + text.slice(first + oldText.length);
  }
  throw new ToolFailure(
    `\`${name}.oldText\` is not in the file; nothing was changed. ${describeNearest(text, edit.oldText)}`,
  );
}

function replaceEvery(text: string, oldText: string, newText: string, name: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let at = text.indexOf(oldText); at !== -1; at = text.indexOf(oldText, from)) {
    if (pieces.length >= mostReplaced) {
      throw new ToolFailure(
        `\`${name}.oldText\` is in the file more than ${mostReplaced} times; nothing was changed. Do it with \`bash\`.`,
      );
    }
    pieces.push(text.slice(from, at));
    from = at + oldText.length;
  }
  return [...pieces, text.slice(from)].join(newText);
}

function ambiguous(text: string, oldText: string, name: string): ToolFailure {
  const lines: number[] = [];
  let count = 0;
  let line = 1;
  let from = 0;
  for (let at = text.indexOf(oldText); at !== -1 && count < mostCounted; ) {
    count++;
    const found = at;
    at = text.indexOf(oldText, at + 1);
    if (lines.length >= mostLinesTold) continue;
    line += countLineEnds(text.slice(from, found));
    from = found;
    lines.push(line);
  }
  const where = lines.join(", ") + (count > lines.length ? ", …" : "");
  return new ToolFailure(
    `\`${name}.oldText\` is in the file ${count === mostCounted ? `${count} times or more` : `${count} times`} (lines ${where}); nothing was changed. Add lines around it until it is unique, or set \`replaceAll\`.`,
  );
}

function withLineEnd(text: string, lineEnd: "\n" | "\r\n"): string {
  const plain = text.replaceAll("\r\n", "\n");
  return lineEnd === "\n" ? plain : plain.replaceAll("\n", "\r\n");
}

function countLineEnds(text: string): number {
  return text.split("\n").length - 1;
}
