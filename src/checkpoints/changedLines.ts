// Counts the lines that a change adds and removes in its diff.
import { fileDiff } from "../tools/edits/unifiedDiff.js";

/** The lines that a change adds and removes. None if one of the contents is not text. */
export interface ChangedLines {
  readonly added: number;
  readonly removed: number;
}

const none: ChangedLines = { added: 0, removed: 0 };

/** The text of a content. Undefined if the content is not text. */
export function textOf(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    return text.includes("\0") ? undefined : text;
  } catch {
    // It is not UTF-8, so it has no lines.
    return undefined;
  }
}

/** Counts the lines. If a change is too large for a diff, all lines count. */
export function changedLines(
  before: Uint8Array | undefined,
  after: Uint8Array | undefined,
): ChangedLines {
  const [from, to] = [before, after].map((data) => textOf(data ?? new Uint8Array()));
  if (from === undefined || to === undefined) return none;
  const made = fileDiff("file", from, to);
  if (made === undefined) return none;
  if (made.isCut) return { added: linesIn(to), removed: linesIn(from) };
  return countSigns(made.diff);
}

/** Counts the lines of a diff that begin with a sign, without its first two lines (the names). */
function countSigns(diff: string): ChangedLines {
  let added = 0;
  let removed = 0;
  for (const line of diff.split("\n").slice(2)) {
    if (line.startsWith("+")) added++;
    else if (line.startsWith("-")) removed++;
  }
  return { added, removed };
}

function linesIn(text: string): number {
  if (text === "") return 0;
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
