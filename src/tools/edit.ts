import * as z from "zod";
import { defined } from "../base/defined.js";
import { defineTool } from "./defineTool.js";
import { applyEdits } from "./edits/applyEdits.js";
import { changingFile } from "./edits/changingFile.js";
import { requireKnown } from "./edits/knownFile.js";
import { encodeTextFile } from "./edits/textFile.js";
import { type FileDiff, fileDiff } from "./edits/unifiedDiff.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { requireWriting } from "./files/access.js";
import { reachPath } from "./files/paths.js";
import { isDenied, requireReadable } from "./files/searchScope.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolContext, ToolResult } from "./tool.js";

const description = `Replaces exact pieces of text in a file that was read before.
Each \`oldText\` must be in the file exactly once, whitespace included and without the line numbers of \`read\`; \`replaceAll\` replaces every one. Edits are applied in order, each to what the one before left; when one fails, none is made. Line ends and a byte order mark are kept.`;

const inputSchema = z.object({
  path: z.string().min(1).describe("The file: relative to the workspace, or absolute."),
  edits: z
    .array(
      z.object({
        oldText: z.string().min(1).describe("The text to replace, exactly as it is in the file."),
        newText: z.string().describe("The text to put there."),
        replaceAll: z
          .boolean()
          .optional()
          .describe("Whether to replace every occurrence; false unless told."),
      }),
    )
    .min(1)
    .max(100)
    .describe("The replacements, in order."),
});

/** `edit`: replaces pieces of a file. */
export function editTool(resources: ToolResources): Tool<z.output<typeof inputSchema>> {
  return defineTool(
    {
      name: "edit",
      description,
      inputSchema,
      execute: (input, context) => edit(resources, input, context),
    },
    { inWorkspace: true },
  );
}

async function edit(
  resources: ToolResources,
  input: z.output<typeof inputSchema>,
  context: ToolContext,
): Promise<ToolResult> {
  const reached = await reachPath(context.workspacePath, input.path);
  const session = resources.session(context.sessionId);
  // This check comes first: about a file that was never read, nothing else may be told.
  if (session.knownVersion(reached.real) === undefined) {
    throw new ToolFailure(`${reached.shown} has not been read; \`read\` it first.`);
  }
  const description = `Edit ${reached.shown}`;
  const ask = (change?: FileDiff, changeNow?: () => Promise<FileDiff | undefined>) =>
    requireWriting(context, { tool: "edit", reached, description, input, change, changeNow });
  // The failure quotes the text that is in the file, and the editor is not asked in vain.
  await requireReadable(context, reached);
  const isAsked = await isDenied(context, "edit", reached);
  if (isAsked) await ask();
  const changing = { context, session, ids: resources.ids };
  const plan = async () => {
    const before = await changingFile(changing, reached);
    requireKnown(session, reached, before.version);
    if (before.version === undefined) {
      throw new ToolFailure(`\`path\` ${input.path} does not exist any more.`);
    }
    const file = await aboutPath(input.path, () => before.text());
    const after = await applyEdits(file.text, file.lineEnd, input.edits, context.signal);
    return { before, file, after, change: fileDiff(reached.shown, file.text, after) };
  };
  // The shown change is what will be written: `replace` below requires this version of the file. A
  // question that waits works it out anew, because the editor may be another then.
  let planned = await plan();
  const planAnew = async () => {
    planned = await plan();
    return planned.change;
  };
  if (!isAsked) await ask(planned.change, planAnew);
  const { before, file, after, change } = planned;
  context.signal.throwIfAborted();
  const content = encodeTextFile(file, after);
  const version = await aboutPath(input.path, () => before.replace(content, file.version));
  session.remember(reached.real, version);
  const count = input.edits.length === 1 ? "1 edit" : `${input.edits.length} edits`;
  const diff = change?.isCut ? undefined : change?.diff;
  return {
    output: `Made ${count} in ${reached.shown}.`,
    ...defined({ diff }),
  };
}
