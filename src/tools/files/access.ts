// What happens before a tool uses a path: find where it really leads, and ask whether the tool may
// go there.
import { stat } from "node:fs/promises";
import { defined } from "../../base/defined.js";
import { isWithin } from "../../base/insideFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import { requirePermission } from "../../permissions/requirePermission.js";
import type { ShownChange } from "../../permissions/types.js";
import type { FileDiff } from "../edits/unifiedDiff.js";
import { ToolFailure } from "../failure.js";
import type { ToolContext } from "../tool.js";
import { type ReachedPath, reachPath } from "./paths.js";

/**
 * Resolves the path that a reading tool was given and asks for permission. Reads inside the
 * workspace go through the permissions too, so that deny rules apply; they never become a question.
 * Reading in `freeFolder` (real) needs no permission.
 */
export async function reachForReading(
  context: ToolContext,
  reading: {
    tool: string;
    path: string;
    input: unknown;
    freeFolder?: string | undefined;
    /** The line at which reading begins. */
    line?: number | undefined;
  },
): Promise<ReachedPath> {
  const reached = await reachPath(context.workspacePath, reading.path);
  if (reading.freeFolder !== undefined && isWithin(reading.freeFolder, reached.real)) {
    return reached;
  }
  await requirePermission(context, {
    tool: reading.tool,
    action: "read",
    description: reached.inside
      ? `Read ${reached.shown}`
      : `Read ${reached.shown}, which is outside the workspace`,
    subject: { kind: "path", value: reached.shown },
    path: reached.real,
    ...defined({ lines: reading.line === undefined ? undefined : [reading.line] }),
    input: reading.input,
  });
  return reached;
}

/** Asks whether a tool may change the file at a resolved path. */
export async function requireWriting(
  context: ToolContext,
  writing: {
    tool: string;
    reached: ReachedPath;
    description: string;
    input: unknown;
    /** The change, if it can be known before the permission. */
    change?: FileDiff | undefined;
    /** Works the change out anew; throws what the call is to fail with. */
    changeNow?: (() => Promise<FileDiff | undefined>) | undefined;
  },
): Promise<void> {
  const { reached, change, changeNow } = writing;
  await requirePermission(context, {
    tool: writing.tool,
    action: "write",
    description: reached.inside
      ? writing.description
      : `${writing.description}, which is outside the workspace`,
    subject: { kind: "path", value: reached.shown },
    path: reached.real,
    ...shown(change),
    ...defined({ changeNow: changeNow && (async () => shown(await changeNow())) }),
    input: writing.input,
  });
}

function shown(change: FileDiff | undefined): ShownChange {
  return defined({
    diff: change?.diff,
    diffTruncated: change?.isCut || undefined,
    lines: change?.lines,
  });
}

/** @throws ToolFailure when a real path, which the model named `asked`, is no folder. */
export async function requireFolder(real: string, asked: string): Promise<void> {
  try {
    if ((await stat(real)).isDirectory()) return;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new ToolFailure(`\`path\` ${asked} does not exist.`, { cause: error });
  }
  throw new ToolFailure(`\`path\` ${asked} is a file, not a folder; use \`read\`.`);
}
