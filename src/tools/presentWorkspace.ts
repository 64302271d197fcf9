// Whether the workspace is still what it was when it was opened. Its folder can be deleted, moved or
// replaced while a turn runs; a tool that does not look would make it anew, or work elsewhere.
import { realpath, stat } from "node:fs/promises";
import { systemErrorCode } from "../base/systemError.js";
import { ToolFailure } from "./failure.js";

/**
 * Sees to it that a workspace's folder is where its real path says. Another folder of the same path,
 * a new clone perhaps, is the workspace as well.
 * @throws ToolFailure where it is not, in words for the model.
 */
export async function requireWorkspace(workspacePath: string): Promise<void> {
  const trouble = await troubleWith(workspacePath);
  if (trouble === undefined) return;
  throw new ToolFailure(`The workspace's folder ${workspacePath} ${trouble}. Nothing was done.`);
}

async function troubleWith(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if (real !== path) return `was replaced by a link to ${real}`;
    return (await stat(path)).isDirectory() ? undefined : "was replaced by a file";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "is not there any more";
    if (code === "EACCES" || code === "EPERM") return "cannot be entered any more";
    throw error;
  }
}
