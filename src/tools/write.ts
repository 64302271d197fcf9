import * as z from "zod";
import { defined } from "../base/defined.js";
import { formatBytes } from "../base/text.js";
import { defineTool } from "./defineTool.js";
import { requireKnown } from "./edits/knownFile.js";
import { readTextFile, type TextFile } from "./edits/textFile.js";
import { type FileDiff, fileDiff } from "./edits/unifiedDiff.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { requireWriting } from "./files/access.js";
import { writeAtomically } from "./files/atomicWrite.js";
import type { FileVersion } from "./files/open.js";
import { reachPath } from "./files/paths.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolContext, ToolResult } from "./tool.js";

const description = `Writes a whole file: a new one, with its folders, or in place of one that was read before.
To change a part of a file, \`edit\` is better. Paths are relative to the workspace, or absolute.`;

const inputSchema = z.object({
  path: z.string().min(1).describe("The file: relative to the workspace, or absolute."),
  content: z.string().describe("All that it holds afterwards."),
});

/** `write`: a whole file. */
export function writeTool(resources: ToolResources): Tool<z.output<typeof inputSchema>> {
  return defineTool(
    {
      name: "write",
      description,
      inputSchema,
      execute: (input, context) => write(resources, input, context),
    },
    { inWorkspace: true },
  );
}

async function write(
  resources: ToolResources,
  input: z.output<typeof inputSchema>,
  context: ToolContext,
): Promise<ToolResult> {
  const reached = await reachPath(context.workspacePath, input.path);
  const ask = (change?: FileDiff) =>
    requireWriting(context, {
      tool: "write",
      reached,
      description: `Write ${reached.shown}`,
      input,
      change,
    });
  const session = resources.session(context.sessionId);
  // Outside the workspace nothing is looked at before it is allowed, but for what was read before;
  // else nobody is asked about what would fail, and the question shows what would change.
  const mayLook = reached.inside || session.knownVersion(reached.real) !== undefined;
  if (!mayLook) await ask();
  const replaces = await requireKnown(session, reached);
  const before = replaces === undefined ? undefined : await textBefore(reached.real, replaces);
  // Of a file that was no text there is no telling what changes.
  const change =
    before === "unreadable" ? undefined : fileDiff(reached.shown, before?.text, input.content);
  if (mayLook) await ask(change);
  context.signal.throwIfAborted();
  const content = Buffer.from(input.content, "utf8");
  const version = await aboutPath(input.path, () =>
    writeAtomically({ real: reached.real, content, replaces }, resources.ids),
  );
  session.remember(reached.real, version);
  const verb = replaces === undefined ? "Created" : "Replaced";
  const output = `${verb} ${reached.shown} (${formatBytes(content.length)}).`;
  return { output, ...defined({ diff: change?.isCut ? undefined : change?.diff }) };
}

/** The text that is replaced; what is shown of it must be what is written over. */
async function textBefore(
  real: string,
  version: FileVersion,
): Promise<{ readonly text: string } | "unreadable"> {
  let file: TextFile;
  try {
    file = await readTextFile(real);
  } catch (error) {
    if (error instanceof ToolFailure) return "unreadable";
    throw error;
  }
  if (file.version === version) return file;
  throw new ToolFailure(
    "The file was changed by somebody else just now. Read it again with `read`.",
  );
}
