// Replaces exact text by other text: either all edits are made, or none.
import { ToolFailure } from "../failure.js";
import { Pace, placesOf } from "./findText.js";
import { describeNearest } from "./nearest.js";
import { PiecedText } from "./piecedText.js";

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
 * Rejects with the signal's reason when it is aborted.
 * @throws ToolFailure, naming the edit and the fix, if its text is not found, or found more than
 * once.
 */
export async function applyEdits(
  text: string,
  lineEnd: "\n" | "\r\n",
  edits: readonly Edit[],
  signal: AbortSignal,
): Promise<string> {
  const current = new PiecedText(text);
  const pace = new Pace(signal);
  for (const [index, edit] of edits.entries()) {
    await applyEdit({ text: current, name: `edits[${index}]`, signal }, lineEnd, edit);
    if (pace.isDue) await pace.pause();
  }
  return current.whole();
}

/** What is edited, and by which edit. */
interface Edited {
  readonly text: PiecedText;
  readonly name: string;
  readonly signal: AbortSignal;
}

async function applyEdit(edited: Edited, lineEnd: "\n" | "\r\n", edit: Edit): Promise<void> {
  const { text, name, signal } = edited;
  if (edit.oldText === edit.newText) {
    throw new ToolFailure(`\`${name}\`: \`oldText\` and \`newText\` are the same.`);
  }
  // First with the file's own line ends: a line feed alone would also be found inside `\r\n`.
  const otherEnd = lineEnd === "\n" ? "\r\n" : "\n";
  const forms = new Map<string, "\n" | "\r\n">();
  for (const end of [lineEnd, otherEnd] as const) {
    const oldText = withLineEnd(edit.oldText, end);
    if (!forms.has(oldText)) forms.set(oldText, end);
  }
  if (!forms.has(edit.oldText)) forms.set(edit.oldText, lineEnd);
  for (const [oldText, end] of forms) {
    const [first, second] = await firstTwo(placesOf(text, oldText, { overlapping: true, signal }));
    if (first === undefined) continue;
    const newText = withLineEnd(edit.newText, end);
    if (edit.replaceAll === true) return replaceEvery(edited, oldText, newText);
    if (second !== undefined) throw await ambiguous(edited, oldText);
    return text.replace(first, oldText.length, newText);
  }
  throw new ToolFailure(
    `\`${name}.oldText\` is not in the file; nothing was changed. ${describeNearest(text.whole(), edit.oldText)}`,
  );
}

async function firstTwo(places: AsyncIterable<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const at of places) {
    found.push(at);
    if (found.length === 2) break;
  }
  return found;
}

async function replaceEvery(
  { text, name, signal }: Edited,
  oldText: string,
  newText: string,
): Promise<void> {
  const before = text.whole();
  const pieces: string[] = [];
  let from = 0;
  for await (const at of placesOf(text, oldText, { overlapping: false, signal })) {
    if (pieces.length >= mostReplaced) {
      throw new ToolFailure(
        `\`${name}.oldText\` is in the file more than ${mostReplaced} times; nothing was changed. Do it with \`bash\`.`,
      );
    }
    pieces.push(before.slice(from, at));
    from = at + oldText.length;
  }
  text.replace(0, before.length, [...pieces, before.slice(from)].join(newText));
}

async function ambiguous({ text, name, signal }: Edited, oldText: string): Promise<ToolFailure> {
  const lines: number[] = [];
  let count = 0;
  let line = 1;
  let from = 0;
  for await (const at of placesOf(text, oldText, { overlapping: true, signal })) {
    count++;
    if (count === mostCounted) break;
    if (lines.length >= mostLinesTold) continue;
    line += countLineEnds(text.slice(from, at));
    from = at;
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
