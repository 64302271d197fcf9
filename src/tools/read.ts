import type { FileHandle } from "node:fs/promises";
import * as z from "zod";
import { type Line, LineSplitter } from "../base/lineSplitter.js";
import { formatBytes, formatCount } from "../base/text.js";
import { defineTool } from "./defineTool.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { reachForReading } from "./files/access.js";
import { fileKindBytes, fileKindOf } from "./files/fileKind.js";
import { openRegularFile, versionOf } from "./files/open.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolResult } from "./tool.js";

const description = `Reads a text file and returns it with line numbers, from line \`offset\` on.
Paths are relative to the workspace, or absolute. At most 2000 lines are returned unless \`limit\` says otherwise, and long lines are cut; when there is more, the result says which \`offset\` goes on. A file must have been read before \`edit\` or \`write\` may change it. Folders: use \`ls\`.`;

const defaultLimit = 2000;
const maxLimit = 10_000;
const maxLineBytes = 2_000;
const maxOutputLength = 100_000;
const chunkBytes = 64 * 1024;

const inputSchema = z.object({
  path: z.string().min(1).describe("The file: relative to the workspace, or absolute."),
  offset: z.int().min(1).optional().describe("The first line to return; 1 unless told."),
  limit: z
    .int()
    .min(1)
    .max(maxLimit)
    .optional()
    .describe(`How many lines to return; ${defaultLimit} unless told.`),
});

/** `read`: a file's lines, numbered. */
export function readTool(resources: ToolResources): Tool<z.output<typeof inputSchema>> {
  return defineTool(
    {
      name: "read",
      readOnly: true,
      description,
      inputSchema,
      async execute(input, context) {
        const freeFolder = await resources.realOutputFolder(context.sessionId);
        const { path } = input;
        const reached = await reachForReading(context, { tool: "read", path, input, freeFolder });
        const handle = await aboutPath(path, () => openRegularFile(reached.real));
        try {
          // Taken before the first byte: if the file changes while it is read, this version is
          // outdated.
          const version = await versionOf(handle);
          const result = await readText(handle, input, context.signal);
          if (result.isError !== true) {
            resources.session(context.sessionId).remember(reached.real, version);
          }
          return result;
        } finally {
          await handle.close();
        }
      },
    },
    { inWorkspace: true },
  );
}

async function readText(
  handle: FileHandle,
  input: z.output<typeof inputSchema>,
  signal: AbortSignal,
): Promise<ToolResult> {
  const start = Buffer.alloc(fileKindBytes);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  const kind = fileKindOf(start.subarray(0, bytesRead));
  if (kind.kind !== "text") {
    const size = formatBytes((await handle.stat()).size);
    const what = kind.kind === "image" ? `an image (${kind.format}, ${size})` : `binary (${size})`;
    return { output: `The file is ${what}; only text can be read.`, isError: true };
  }
  const page = new Page(input.offset ?? 1, input.limit ?? defaultLimit);
  await fillPage(page, handle, signal);
  return { output: page.render() };
}

async function fillPage(page: Page, handle: FileHandle, signal: AbortSignal): Promise<void> {
  const splitter = new LineSplitter(maxLineBytes);
  const chunk = Buffer.alloc(chunkBytes);
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    const isEnd = bytesRead === 0;
    for (const line of isEnd ? splitter.end() : splitter.push(chunk.subarray(0, bytesRead))) {
      if (!page.add(line)) return;
    }
    if (isEnd) return;
    position += bytesRead;
  }
}

/** The lines of one result. */
class Page {
  readonly #offset: number;
  readonly #limit: number;
  readonly #shown: string[] = [];
  #length = 0;
  #lines = 0;
  #hasMore = false;

  constructor(offset: number, limit: number) {
    this.#offset = offset;
    this.#limit = limit;
  }

  /** Takes the file's next line; returns false when it needs no more lines. */
  add(line: Line): boolean {
    this.#lines++;
    if (this.#lines < this.#offset) return true;
    if (this.#shown.length >= this.#limit || this.#length > maxOutputLength) {
      this.#hasMore = true;
      return false;
    }
    const text = this.#lines === 1 ? line.text.replace(/^\uFEFF/, "") : line.text;
    const note =
      line.omittedBytes > 0 ? ` [… ${formatCount(line.omittedBytes)} more bytes in this line]` : "";
    const numbered = `${String(this.#lines).padStart(6)}\t${text}${note}`;
    this.#shown.push(numbered);
    this.#length += numbered.length + 1;
    return true;
  }

  /**
   * @throws ToolFailure if the offset is after the file's end.
   */
  render(): string {
    if (this.#lines === 0) return "(The file is empty.)";
    if (this.#shown.length === 0) {
      throw new ToolFailure(
        `\`offset\` ${this.#offset} is past the end: the file has ${this.#lines} lines.`,
      );
    }
    const last = this.#offset + this.#shown.length - 1;
    const more = `\n\n[Lines ${this.#offset} to ${last}; there are more: go on with offset ${last + 1}.]`;
    return this.#shown.join("\n") + (this.#hasMore ? more : "");
  }
}
