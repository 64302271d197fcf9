import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import * as z from "zod";
import type { EditorFile } from "../base/editorFiles.js";
import { imageKind } from "../base/imageKind.js";
import { isWithin } from "../base/insideFolder.js";
import { formatBytes } from "../base/text.js";
import type { WorkRunner } from "../process/workProcesses.js";
import { defineTool } from "./defineTool.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { reachForReading } from "./files/access.js";
import { editorFile, versionOfText } from "./files/editorText.js";
import { fileKindBytes, fileKindOf } from "./files/fileKind.js";
import { mostNotebookBytes, notebookLines } from "./files/notebook.js";
import { openRegularFile, versionOf } from "./files/open.js";
import type { ReachedPath } from "./files/paths.js";
import { mostPdfBytes, pdfLines } from "./files/pdf.js";
import { chunksOf, LinePage, piecesOf } from "./linePage.js";
import type { ToolResources } from "./resources.js";
import type { SessionState } from "./sessionState.js";
import type { Tool, ToolResult } from "./tool.js";

const description = `Reads a text file and returns it with line numbers, from line \`offset\` on.
Paths are relative to the workspace, or absolute. At most 2000 lines are returned unless \`limit\` says otherwise, and long lines are cut; when there is more, the result says which \`offset\` goes on. An image (PNG, JPEG, GIF, WebP) is shown to you, a notebook (.ipynb) is returned as its cells, and a PDF as its text. A file must have been read before \`edit\` or \`write\` may change it. Folders: use \`ls\`.`;

const defaultLimit = 2000;
const maxLimit = 10_000;
const notebookNote = "[A notebook, as its cells. `edit` and `write` change the JSON of the file.]";
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
        const freeFolder = resources.realOutputFolder(context.sessionId);
        const { path, offset: line } = input;
        const asked = { tool: "read", path, line, input, freeFolder };
        const reached = await reachForReading(context, asked);
        const isOutput = freeFolder !== undefined && isWithin(freeFolder, reached.real);
        const ofEditor = isOutput ? undefined : await editorFile(context, reached);
        const session = resources.session(context.sessionId);
        if (ofEditor !== undefined) {
          return await readBuffer(ofEditor, { input, session, reached }, context.signal);
        }
        const handle = await aboutPath(path, () => openRegularFile(reached.real));
        try {
          // Taken before the first byte: if the file changes while it is read, this version is
          // outdated.
          const version = await versionOf(handle);
          const result = await readText(handle, input, {
            work: resources.host.work,
            signal: context.signal,
          });
          if (result.isError !== true) {
            session.remember(reached.real, version);
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
  { work, signal }: { work: WorkRunner; signal: AbortSignal },
): Promise<ToolResult> {
  const start = Buffer.alloc(fileKindBytes);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  const kind = fileKindOf(start.subarray(0, bytesRead));
  if (start.toString("latin1", 0, 5) === "%PDF-") {
    return { output: pageOf(await linesOfPdf(handle, work, signal), input).render() };
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
    await page.fill(chunksOf(handle, signal));
    return { output: page.render() };
  }
  return { output: `${pageOf(cells, input).render()}\n\n${notebookNote}` };
}

/** The lines of a file that the client's editor has, unsaved changes included. */
async function readBuffer(
  { content }: EditorFile,
  {
    input,
    session,
    reached,
  }: { input: z.output<typeof inputSchema>; session: SessionState; reached: ReachedPath },
  signal: AbortSignal,
): Promise<ToolResult> {
  if (content === undefined) {
    throw new ToolFailure(`\`path\` ${input.path} does not exist in the editor.`);
  }
  const output = await pageOfText(content, input, signal);
  session.remember(reached.real, await versionOfText(content));
  return { output };
}

async function pageOfText(
  content: string,
  input: z.output<typeof inputSchema>,
  signal: AbortSignal,
): Promise<string> {
  const isNotebook = input.path.toLowerCase().endsWith(".ipynb");
  const bytes = Buffer.from(content, "utf8");
  const cells =
    isNotebook && bytes.length <= mostNotebookBytes ? notebookLines(content) : undefined;
  if (cells !== undefined) return `${pageOf(cells, input).render()}\n\n${notebookNote}`;
  const page = pageOf([], input);
  await page.fill(piecesOf(bytes, signal));
  return page.render();
}

/** The wanted ones of some lines. */
function pageOf(
  lines: readonly string[],
  { offset = 1, limit = defaultLimit }: z.output<typeof inputSchema>,
): LinePage {
  const page = new LinePage(offset, limit);
  page.addAll(lines);
  return page;
}

async function linesOfPdf(
  handle: FileHandle,
  work: WorkRunner,
  signal: AbortSignal,
): Promise<string[]> {
  const { size } = await handle.stat();
  if (size > mostPdfBytes) {
    const limit = formatBytes(mostPdfBytes);
    throw new ToolFailure(`The PDF is too large to read (${formatBytes(size)}, at most ${limit}).`);
  }
  const data = Buffer.alloc(size);
  const { bytesRead } = await handle.read(data, 0, size, 0);
  return await pdfLines(data.subarray(0, bytesRead), work, signal);
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
