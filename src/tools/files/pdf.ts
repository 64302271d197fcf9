// Reads the text of a PDF. A hostile PDF may need any amount of time and memory, so it is read in a
// process of its own, with bounds.
import type { WorkRunner } from "../../process/workProcesses.js";
import { ToolFailure } from "../failure.js";

/** The largest PDF that is read, in bytes. */
export const mostPdfBytes = 16 * 1024 * 1024;
const mostText = 1_000_000;
const usualLimits = { limitMs: 20_000, limitMb: 512 };

/**
 * The lines of a PDF, page by page.
 * @param limits the time in milliseconds, and the heap in megabytes.
 * @throws ToolFailure if it is not a readable PDF, or needs too much time or memory.
 */
export async function pdfLines(
  data: Uint8Array,
  work: WorkRunner,
  signal: AbortSignal,
  limits = usualLimits,
): Promise<string[]> {
  const task = {
    program: new URL("./pdfReader.mjs", import.meta.url),
    input: { data, maxLength: mostText },
    ...limits,
  };
  const outcome = await work.run(task, signal);
  if (outcome.kind !== "done") {
    throw new ToolFailure("The PDF takes too much time or memory to read.");
  }
  const read = outcome.result as { texts: string[]; total: number } | undefined;
  if (read === undefined) {
    throw new ToolFailure("The PDF cannot be read: it is damaged, or needs a password.");
  }
  const lines = read.texts.flatMap((text, index) => [
    `# Page ${index + 1} of ${read.total}`,
    ...text.trimEnd().split("\n"),
    "",
  ]);
  const isCut = read.texts.length < read.total;
  return isCut ? [...lines, "[The text of the other pages is left out.]"] : lines;
}
