import * as z from "zod";
import { defined } from "../base/defined.js";
import { formatBytes } from "../base/text.js";
import { defineTool } from "./defineTool.js";
import { type ChangingFile, changingFile } from "./edits/changingFile.js";
import { requireKnown } from "./edits/knownFile.js";
import type { TextFile } from "./edits/textFile.js";
import { type FileDiff, fileDiff } from "./edits/unifiedDiff.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { requireWriting } from "./files/access.js";
import type { FileVersion } from "./files/open.js";
import { reachPath } from "./files/paths.js";
import { isDenied } from "./files/searchScope.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolContext, ToolResult } from "./tool.js";

const description = `Writes a whole file: a new one, with its folders, or in place of one that was read before.
To change a part of a file, \`edit\` is better. Paths are relative to the workspace, or absolute.`;

const inputSchema = z.object({
  path: z.string().min(1).describe("The file: relative to the workspace, or absolute."),
  content: z.string().describe("All that it holds afterwards."),
});

/** `write`: writes a whole file. */
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
  const ask = (change?: FileDiff, changeNow?: () => Promise<FileDiff | undefined>) =>
    requireWriting(context, {
      tool: "write",
      reached,
      description: `Write ${reached.shown}`,
      input,
      change,
      changeNow,
    });
  const session = resources.session(context.sessionId);
  // Outside the workspace, a file that was not read before is not looked at until it is allowed. In
  // all other cases this checks first, so that nobody is asked about a write that would fail, and
  // the question can show the change.
  const mayLook = reached.inside || session.knownVersion(reached.real) !== undefined;
  const isAsked = !mayLook || (await isDenied(context, "write", reached));
  if (isAsked) await ask();
  const plan = async () => {
    const file = await changingFile({ context, session, ids: resources.ids }, reached);
    const { version: replaces } = file;
    requireKnown(session, reached, replaces);
    const before = replaces === undefined ? undefined : await textBefore(file, replaces);
    // Without a text before, no diff can be shown.
    const change =
      before === "unreadable" ? undefined : fileDiff(reached.shown, before?.text, input.content);
    return { file, replaces, change };
  };
  // A question that waits works it out anew, because the editor may be another then.
  let planned = await plan();
  const planAnew = async () => {
    planned = await plan();
    return planned.change;
  };
  if (!isAsked) await ask(planned.change, planAnew);
  const { file, replaces, change } = planned;
  context.signal.throwIfAborted();
  const content = Buffer.from(input.content, "utf8");
  const version = await aboutPath(input.path, () => file.replace(content, replaces));
  session.remember(reached.real, version);
  const verb = replaces === undefined ? "Created" : "Replaced";
  const output = `${verb} ${reached.shown} (${formatBytes(content.length)}).`;
  return { output, ...defined({ diff: change?.isCut ? undefined : change?.diff }) };
}

/** The text that is replaced. The version that is shown must be the version that is replaced. */
async function textBefore(
  changing: ChangingFile,
  version: FileVersion,
): Promise<{ readonly text: string } | "unreadable"> {
  let file: TextFile;
  try {
    file = await changing.text();
  } catch (error) {
    if (error instanceof ToolFailure) return "unreadable";
    throw error;
  }
  if (file.version === version) return file;
  throw new ToolFailure(
    "The file was changed by somebody else just now. Read it again with `read`.",
  );
}
