// Finds the lines around the hits of a search. They are read from the files again, so that they are the
// same for every kind of search.
import { join } from "node:path";
import { LineSplitter } from "../../base/lineSplitter.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import { openRegularFile } from "../files/open.js";
import { type Match, maxLineBytes } from "./search.js";

const chunkBytes = 64 * 1024;

/** A line of a result: one that matches, or one beside it. */
export interface ShownLine extends Match {
  readonly isMatch: boolean;
}

/**
 * The matches of one file with `around` lines before and after each, in order, each line once. If the
 * file is gone by now, only the matches are returned.
 */
export async function withContext(
  root: string,
  matches: readonly Match[],
  around: number,
  signal: AbortSignal,
): Promise<ShownLine[]> {
  const found = new Map(matches.map((match) => [match.line, match]));
  const wanted = new Set<number>();
  for (const line of found.keys()) {
    for (let at = line - around; at <= line + around; at++) wanted.add(at);
  }
  const file = matches[0]?.file ?? "";
  const texts = await linesOf(join(root, file), wanted, signal);
  for (const [line, { text }] of found) texts.set(line, text);
  return [...texts]
    .sort(([a], [b]) => a - b)
    .map(([line, text]) => ({ file, line, text, isMatch: found.has(line) }));
}

async function linesOf(
  path: string,
  wanted: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  const last = Math.max(...wanted);
  try {
    const handle = await openRegularFile(path);
    try {
      const splitter = new LineSplitter(maxLineBytes);
      const chunk = Buffer.alloc(chunkBytes);
      for (let position = 0, line = 0; line < last; ) {
        signal.throwIfAborted();
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
        const lines =
          bytesRead === 0 ? splitter.end() : splitter.push(chunk.subarray(0, bytesRead));
        for (const { text } of lines) if (wanted.has(++line)) texts.set(line, text);
        if (bytesRead === 0) break;
        position += bytesRead;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!(error instanceof ToolFailure) && systemErrorCode(error) === undefined) throw error;
  }
  return texts;
}
