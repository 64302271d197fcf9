// The files in which running commands tell the folders that they end in.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { outputFolderName } from "./dataFiles.js";
import { systemErrorCode } from "./systemError.js";

/** Their folder in that of a workspace's outputs. No session's folder has a dot in its name. */
export const endsFolder = ".ends";

/** The name of such a file, for a command of a session. */
export function endFileName(sessionId: string, command: string): string {
  return `${outputFolderName(sessionId)}.${command}`;
}

/** Removes what commands of a session left that were killed with their server. */
export async function removeEndFiles(outputsOfWorkspace: string, sessionId: string): Promise<void> {
  const folder = join(outputsOfWorkspace, endsFolder);
  const names = await readdir(folder).catch((error: unknown) => {
    // A command may have put something else in its place.
    if (!["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) throw error;
    return [];
  });
  for (const name of names) {
    if (!name.startsWith(endFileName(sessionId, ""))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
