// What a client is told about something that a tool wants to do (protocol.md section 7).
import { defined } from "../base/defined.js";
import type { PermissionChoice } from "../protocol/objects/permissionChoice.js";
import type { ToolQuestion } from "../protocol/registry.js";
import type { PermissionNeed } from "./types.js";

/** The question about a need, with the decisions that are offered. */
export function questionAbout(
  need: PermissionNeed,
  choices: readonly PermissionChoice[],
): ToolQuestion {
  const { toolCallId, tool, action, description, path, cwd, diff, diffTruncated, input } = need;
  return {
    toolCallId,
    tool,
    action,
    description,
    ...defined({ path, cwd, diff, diffTruncated }),
    locations: locationsOf(need),
    readOnly: need.readOnly ?? reads(action),
    choices: [...choices],
    input,
  };
}

/** Whether an action only reads: those may be done in the mode `plan`. */
export function reads(action: string): boolean {
  return action === "read" || action === "fetch";
}

function locationsOf({ path, lines = [] }: PermissionNeed): ToolQuestion["locations"] {
  if (path === undefined) return [];
  return lines.length === 0 ? [{ path }] : lines.map((line) => ({ path, line }));
}
