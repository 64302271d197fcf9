// Searches files without ripgrep, if it is not installed. A pattern that backtracks endlessly is
// interrupted, so that it cannot block the server.
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { LineSplitter } from "../../base/lineSplitter.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import { fileKindBytes, fileKindOf } from "../files/fileKind.js";
import { openRegularFile } from "../files/open.js";
import { inLimitedBatches } from "../timeLimit.js";
import { type Match, maxLineBytes, type Search } from "./search.js";

const chunkBytes = 256 * 1024;

/** A {@link Searcher} on the JavaScript engine's own regular expressions. */
export async function* ownSearch(search: Search, files: readonly string[]): AsyncGenerator<Match> {
  const regex = compile(search);
  for (const file of files) {
    search.signal.throwIfAborted();
    const handle = await openIfReadable(join(search.root, file));
    if (handle === undefined) continue;
    try {
      yield* searchFile(handle, file, regex, search.signal);
    } finally {
      await handle.close();
    }
  }
}

async function* searchFile(
  handle: FileHandle,
  file: string,
  regex: RegExp,
  signal: AbortSignal,
): AsyncGenerator<Match> {
  const splitter = new LineSplitter(maxLineBytes);
  const chunk = Buffer.alloc(chunkBytes);
  let lineNumber = 0;
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    const bytes = chunk.subarray(0, bytesRead);
    if (position === 0 && fileKindOf(bytes.subarray(0, fileKindBytes)).kind !== "text") return;
    const lines = [...(bytesRead === 0 ? splitter.end() : splitter.push(bytes))];
    const first = lineNumber;
    lineNumber += lines.length;
    for (const index of await matchingLines(regex, lines, file)) {
      yield { file, line: first + index + 1, text: lines[index]?.text ?? "" };
    }
    if (bytesRead === 0) return;
    position += bytesRead;
  }
}

function matchingLines(
  regex: RegExp,
  lines: readonly { text: string }[],
  file: string,
): Promise<number[]> {
  const message = `\`pattern\` takes too long to match in ${file}; simplify it (no nested repetition).`;
  return inLimitedBatches([...lines.entries()], message, (batch) =>
    batch.flatMap(([index, { text }]) => (regex.test(text) ? [index] : [])),
  );
}

/** @throws ToolFailure when the pattern is no regular expression. */
function compile(search: Search): RegExp {
  const { pattern, isLiteral } = search;
  if (isLiteral) return new RegExp(escapeText(pattern), search.ignoreCase ? "i" : "");
  // ripgrep's way to ignore case. JavaScript has only a flag for it.
  const body = pattern.replace(/^\(\?i\)/, "");
  const flags = search.ignoreCase || body !== pattern ? "i" : "";
  try {
    return new RegExp(body, `${flags}u`);
  } catch {
    // `u` is stricter: it refuses needless escapes such as `\-`. Without it, they mean the
    // character itself.
  }
  try {
    return new RegExp(body, flags);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ToolFailure(
      `\`pattern\` is no regular expression: ${reason}. Escape it, or set \`literal\`.`,
      { cause: error },
    );
  }
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Opens a file; undefined if it is gone, may not be read, or is no file any more. */
async function openIfReadable(real: string): Promise<FileHandle | undefined> {
  try {
    return await openRegularFile(real);
  } catch (error) {
    if (error instanceof ToolFailure || systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
}
