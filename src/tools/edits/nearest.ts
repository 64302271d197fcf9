// Finds the place that the model probably meant, if its text is not in the file.
import { cutText } from "../../base/text.js";

/** The most positions that are compared; a longer file is compared only up to there. */
const maxComparisons = 300_000;
/** How much of the text is looked at, in UTF-16 units. */
const maxLooked = 250_000;
const maxShown = 4_000;

/** A sentence on the place that is most like `wanted`, with its exact text if there is one. */
export function describeNearest(text: string, wanted: string): string {
  const lines = cutText(text, maxLooked).split(/\r?\n/);
  const wantedLines = withoutBlankEnds(cutText(wanted, maxLooked).split(/\r?\n/));
  const nearest = findNearest(lines, wantedLines);
  if (nearest === undefined) return "Nothing like it was found; read the file again with `read`.";
  const { start, isSame } = nearest;
  const place = lines.slice(start, start + wantedLines.length).join("\n");
  const where = `lines ${start + 1} to ${start + wantedLines.length}`;
  const what = isSame
    ? `It is at ${where} but for whitespace`
    : `The most similar place is at ${where}`;
  return `${what}; copy it exactly:\n${cutText(place, maxShown)}`;
}

function findNearest(
  lines: readonly string[],
  wanted: readonly string[],
): { start: number; isSame: boolean } | undefined {
  const here = lines.map(squeeze);
  const there = wanted.map(squeeze);
  const last = Math.min(here.length - there.length, Math.floor(maxComparisons / there.length));
  let best = { start: 0, score: 0 };
  for (let start = 0; start <= last; start++) {
    const score = there.filter((line, i) => line !== "" && line === here[start + i]).length;
    if (score > best.score) best = { start, score };
  }
  if (best.score === 0) return undefined;
  const isSame = best.score === there.filter((line) => line !== "").length;
  return { start: best.start, isSame };
}

function squeeze(line: string): string {
  return line.replace(/\s+/g, "");
}

function withoutBlankEnds(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return first === -1 ? [""] : lines.slice(first, last + 1);
}
