// Checks that the workspace still exists. Its folder can be deleted, moved or replaced while a turn
// runs. Without the check, a tool would make the folder again, or work elsewhere.
import { realpathSync, statSync } from "node:fs";
import { systemErrorCode } from "../base/systemError.js";
import { ToolFailure } from "./failure.js";

/**
 * Checks that a workspace's folder is at its real path. Another folder at the same path, such as a
 * new clone, counts as the workspace too. It takes direct calls: two ways through the thread pool would
 * take longer than most tools' own work.
 * @throws ToolFailure, with a message for the model, if it is not.
 */
export function requireWorkspace(workspacePath: string): void {
  const trouble = troubleWith(workspacePath);
  if (trouble === undefined) return;
  throw new ToolFailure(`The workspace's folder ${workspacePath} ${trouble}. Nothing was done.`);
}

function troubleWith(path: string): string | undefined {
  try {
    const real = realpathSync.native(path);
    if (real !== path) return `was replaced by a link to ${real}`;
    return statSync(path).isDirectory() ? undefined : "was replaced by a file";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "is not there any more";
    if (code === "EACCES" || code === "EPERM") return "cannot be entered any more";
    throw error;
  }
}
