import * as z from "zod";
import { defined } from "../base/defined.js";
import { formatBytes } from "../base/text.js";
import { defineTool } from "./defineTool.js";
import { requireKnown } from "./edits/knownFile.js";
import { readTextFile } from "./edits/textFile.js";
import { unifiedDiff } from "./edits/unifiedDiff.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { requireWriting } from "./files/access.js";
import { writeAtomically } from "./files/atomicWrite.js";
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
  return defineTool({
    name: "write",
    description,
    inputSchema,
    execute: (input, context) => write(resources, input, context),
  });
}

async function write(
  resources: ToolResources,
  input: z.output<typeof inputSchema>,
  context: ToolContext,
): Promise<ToolResult> {
  const reached = await reachPath(context.workspacePath, input.path);
  const ask = () =>
    requireWriting(context, {
      tool: "write",
      reached,
      description: `Write ${reached.shown}`,
      input,
    });
  // Outside the workspace nothing is looked at before it is allowed; inside, nobody is asked about
  // what would fail.
  if (!reached.inside) await ask();
  const session = resources.session(context.sessionId);
  const replaces = await requireKnown(session, reached);
  if (reached.inside) await ask();
  context.signal.throwIfAborted();
  const before = replaces === undefined ? undefined : await textBefore(reached.real);
  const content = Buffer.from(input.content, "utf8");
  const version = await aboutPath(input.path, () =>
    writeAtomically({ real: reached.real, content, replaces }, resources.ids),
  );
  session.remember(reached.real, version);
  const verb = replaces === undefined ? "Created" : "Replaced";
  const output = `${verb} ${reached.shown} (${formatBytes(content.length)}).`;
  // Of a file that was no text there is no telling what changed.
  if (before === "unreadable") return { output };
  const diff = unifiedDiff(reached.shown, before?.text, input.content);
  return { output, ...defined({ diff }) };
}

async function textBefore(real: string): Promise<{ text: string } | "unreadable"> {
  try {
    return await readTextFile(real);
  } catch (error) {
    if (error instanceof ToolFailure) return "unreadable";
    throw error;
  }
}
