// The changes of a file as a unified diff. For every file and change, it takes only a few passes
// over the text: first the equal parts at both ends are found, and then lines are compared one by
// one only if few are left.
import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatchHunk, structuredPatch } from "diff";

/** The longest diff, in UTF-16 units. */
const maxLength = 100_000;
/**
 * If there is more than this between the first and the last change, all of it is shown as removed
 * and added.
 */
const mostCompared = 120_000;
const mostEdits = 400;
const contextLines = 3;
const block = 65_536;

/** A diff, and whether it is only the beginning of one. */
export interface FileDiff {
  readonly diff: string;
  readonly isCut: boolean;
  /** The lines of the old file at which its parts change; none for a new file. */
  readonly lines: readonly number[];
}

/**
 * What changed in a file as a unified diff; undefined when nothing did, or when the diff would be too
 * long to be of use.
 */
export function unifiedDiff(
  path: string,
  before: string | undefined,
  after: string,
): string | undefined {
  // The longer text's surplus is in the diff.
  if (Math.abs((before?.length ?? 0) - after.length) > maxLength) return undefined;
  const made = fileDiff(path, before, after);
  return made === undefined || made.isCut ? undefined : made.diff;
}

/**
 * The same, but a diff that is too long is cut instead of left out; undefined if nothing changes.
 */
export function fileDiff(
  path: string,
  before: string | undefined,
  after: string,
): FileDiff | undefined {
  if (before === after) return undefined;
  const span = changedSpan(before ?? "", after);
  const hunks = comparedHunks(span) ?? [wholeHunk(span)];
  const oldFileName = before === undefined ? "/dev/null" : `a/${path}`;
  const patch = formatPatch(
    {
      oldFileName,
      newFileName: `b/${path}`,
      oldHeader: undefined,
      newHeader: undefined,
      hunks,
    },
    FILE_HEADERS_ONLY,
  );
  const isCut = patch.length > maxLength || span.isCut;
  const lines = before === undefined ? [] : hunks.map(changedLine);
  return { diff: isCut ? cutLines(patch, maxLength) : patch, isCut, lines };
}

/** The first line of the old file that a hunk removes, or before which it adds. */
function changedLine({ oldStart, lines }: StructuredPatchHunk): number {
  const same = lines.findIndex((line) => !line.startsWith(" "));
  return Math.max(1, oldStart + Math.max(0, same));
}

/** The lines from a little before the first change to a little after the last one. */
interface Span {
  readonly oldText: string;
  readonly newText: string;
  /** How many lines come before both texts. */
  readonly linesBefore: number;
  /** Whether the texts go on after these lines. */
  readonly isCut: boolean;
}

function changedSpan(before: string, after: string): Span {
  const start = linesBack(before, lineStart(before, commonStart(before, after)), contextLines);
  const same = commonEnd(before, after, start);
  const oldEnd = linesOn(before, before.length - same, contextLines);
  const newEnd = after.length - (before.length - oldEnd);
  const isCut = oldEnd - start > maxLength || newEnd - start > maxLength;
  return {
    oldText: before.slice(start, Math.min(oldEnd, start + maxLength)),
    newText: after.slice(start, Math.min(newEnd, start + maxLength)),
    linesBefore: countLines(before, start),
    isCut,
  };
}

/** Undefined if comparing would take too long. */
function comparedHunks({ oldText, newText, linesBefore, isCut }: Span) {
  if (isCut || oldText.length + newText.length > mostCompared) return undefined;
  const patch = structuredPatch("", "", oldText, newText, undefined, undefined, {
    context: contextLines,
    maxEditLength: mostEdits,
  });
  return patch?.hunks.map((hunk) => ({
    ...hunk,
    oldStart: hunk.oldStart + linesBefore,
    newStart: hunk.newStart + linesBefore,
  }));
}

/** One hunk that removes all old lines and adds all new ones. */
function wholeHunk({ oldText, newText, linesBefore, isCut }: Span): StructuredPatchHunk {
  const room = isCut ? maxLength / 2 : maxLength;
  const removed = signedLines("-", oldText.slice(0, room));
  const added = signedLines("+", newText.slice(0, room));
  return {
    oldStart: linesBefore + 1,
    oldLines: removed.filter((line) => line.startsWith("-")).length,
    newStart: linesBefore + 1,
    newLines: added.filter((line) => line.startsWith("+")).length,
    lines: [...removed, ...added],
  };
}

function signedLines(sign: "-" | "+", text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const isEnded = lines.at(-1) === "";
  if (isEnded) lines.pop();
  const signed = lines.map((line) => sign + line);
  return isEnded ? signed : [...signed, "\\ No newline at end of file"];
}

function cutLines(patch: string, most: number): string {
  return patch.slice(0, patch.lastIndexOf("\n", most) + 1);
}

/** How many units at the beginning of two texts are equal. Whole blocks are compared at once. */
function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at + block <= most && a.slice(at, at + block) === b.slice(at, at + block)) at += block;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at;
}

/** How many units of whole lines at the end of two texts are equal, not counting before `start`. */
function commonEnd(a: string, b: string, start: number): number {
  const most = Math.min(a.length, b.length) - start;
  const at = (text: string, same: number) => text.charCodeAt(text.length - same - 1);
  const blockAt = (text: string, same: number) =>
    text.slice(text.length - same - block, text.length - same);
  let same = 0;
  while (same + block <= most && blockAt(a, same) === blockAt(b, same)) same += block;
  while (same < most && at(a, same) === at(b, same)) same++;
  if (same === 0 || (isLineStart(a, a.length - same) && isLineStart(b, b.length - same)))
    return same;
  const next = a.indexOf("\n", a.length - same);
  return next === -1 ? 0 : a.length - next - 1;
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || text.charCodeAt(at - 1) === 10;
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}

function linesBack(text: string, from: number, count: number): number {
  let at = from;
  for (let n = 0; n < count && at > 0; n++) at = lineStart(text, at - 1);
  return at;
}

function linesOn(text: string, from: number, count: number): number {
  let at = from;
  for (let n = 0; n < count && at < text.length; n++) {
    const end = text.indexOf("\n", at);
    at = end === -1 ? text.length : end + 1;
  }
  return at;
}

function countLines(text: string, end: number): number {
  let count = 0;
  for (let at = 0; at < end; at++) if (text.charCodeAt(at) === 10) count++;
  return count;
}
