import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import * as z from "zod";
import { imageKind } from "../base/imageKind.js";
import { type Line, LineSplitter } from "../base/lineSplitter.js";
import { cutText, formatBytes, formatCount } from "../base/text.js";
import type { WorkerThreads } from "../process/workerThreads.js";
import { defineTool } from "./defineTool.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { reachForReading } from "./files/access.js";
import { fileKindBytes, fileKindOf } from "./files/fileKind.js";
import { mostNotebookBytes, notebookLines } from "./files/notebook.js";
import { openRegularFile, versionOf } from "./files/open.js";
import { mostPdfBytes, pdfLines } from "./files/pdf.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolResult } from "./tool.js";

const description = `Reads a text file and returns it with line numbers, from line \`offset\` on.
Paths are relative to the workspace, or absolute. At most 2000 lines are returned unless \`limit\` says otherwise, and long lines are cut; when there is more, the result says which \`offset\` goes on. An image (PNG, JPEG, GIF, WebP) is shown to you, a notebook (.ipynb) is returned as its cells, and a PDF as its text. A file must have been read before \`edit\` or \`write\` may change it. Folders: use \`ls\`.`;

const defaultLimit = 2000;
const maxLimit = 10_000;
const maxLineBytes = 2_000;
const maxOutputLength = 100_000;
const chunkBytes = 64 * 1024;
/** Providers refuse images of more than 5 MB in Base64. */
const maxImageBytes = 3.5 * 1024 * 1024;

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
        const { path, offset: line } = input;
        const asked = { tool: "read", path, line, input, freeFolder };
        const reached = await reachForReading(context, asked);
        const handle = await aboutPath(path, () => openRegularFile(reached.real));
        try {
          // Taken before the first byte: if the file changes while it is read, this version is
          // outdated.
          const version = await versionOf(handle);
          const result = await readText(handle, input, {
            threads: resources.host.threads,
            signal: context.signal,
          });
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
  { threads, signal }: { threads: WorkerThreads; signal: AbortSignal },
): Promise<ToolResult> {
  const start = Buffer.alloc(fileKindBytes);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  const kind = fileKindOf(start.subarray(0, bytesRead));
  if (start.toString("latin1", 0, 5) === "%PDF-") {
    return { output: pageOf(await linesOfPdf(handle, threads, signal), input).render() };
  }
  if (kind.kind === "image") {
    const image = await readImage(handle, input.path);
    if (image !== undefined) return image;
  }
  if (kind.kind !== "text") {
    const size = formatBytes((await handle.stat()).size);
    const what = kind.kind === "image" ? `an image (${kind.format}, ${size})` : `binary (${size})`;
    return { output: `The file is ${what}; only text can be read.`, isError: true };
  }
  const cells = input.path.toLowerCase().endsWith(".ipynb") ? await cellsOf(handle) : undefined;
  if (cells === undefined) {
    const page = pageOf([], input);
    await fillPage(page, handle, signal);
    return { output: page.render() };
  }
  const note = "[A notebook, as its cells. `edit` and `write` change the JSON of the file.]";
  return { output: `${pageOf(cells, input).render()}\n\n${note}` };
}

/** The wanted ones of some lines. */
function pageOf(lines: readonly string[], input: z.output<typeof inputSchema>): Page {
  const page = new Page(input.offset ?? 1, input.limit ?? defaultLimit);
  for (const text of lines) if (!page.add(lineOf(text))) break;
  return page;
}

async function linesOfPdf(
  handle: FileHandle,
  threads: WorkerThreads,
  signal: AbortSignal,
): Promise<string[]> {
  const { size } = await handle.stat();
  if (size > mostPdfBytes) {
    const limit = formatBytes(mostPdfBytes);
    throw new ToolFailure(`The PDF is too large to read (${formatBytes(size)}, at most ${limit}).`);
  }
  const data = Buffer.alloc(size);
  const { bytesRead } = await handle.read(data, 0, size, 0);
  return await pdfLines(data.subarray(0, bytesRead), threads, signal);
}

/** The image, where it is of a type that models take, and not too large. */
async function readImage(handle: FileHandle, path: string): Promise<ToolResult | undefined> {
  const { size } = await handle.stat();
  if (size > maxImageBytes) {
    const limit = formatBytes(maxImageBytes);
    const output = `The image is too large to be shown (${formatBytes(size)}, at most ${limit}).`;
    return { output, isError: true };
  }
  const data = await handle.readFile();
  const mimeType = imageKind(data);
  if (mimeType === undefined || data.length > maxImageBytes) return undefined;
  const name = basename(path);
  return {
    output: `The image ${name} (${mimeType}, ${formatBytes(data.length)}).`,
    images: [{ name, mimeType, data }],
  };
}

/** The cells of a notebook; undefined where it is too large, or is none. */
async function cellsOf(handle: FileHandle): Promise<string[] | undefined> {
  if ((await handle.stat()).size > mostNotebookBytes) return undefined;
  const buffer = Buffer.alloc(mostNotebookBytes + 1);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  if (bytesRead > mostNotebookBytes) return undefined;
  return notebookLines(buffer.toString("utf8", 0, bytesRead));
}

function lineOf(text: string): Line {
  const kept = cutText(text, maxLineBytes);
  return { text: kept, omittedBytes: Buffer.byteLength(text.slice(kept.length)) };
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
