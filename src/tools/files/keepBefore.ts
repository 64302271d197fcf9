// Keeps the content of a file before a tool changes it (protocol.md section 4, Taking back).
import { messageOf } from "../../base/errors.js";
import { type FileChange, type HeldContent, mostKeptBytes } from "../../base/fileKeeper.js";
import { explainSystemError } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import type { ToolContext } from "../tool.js";
import type { AtomicWrite } from "./atomicWrite.js";
import { type FileVersion, openRegularFile, versionOf } from "./open.js";

/** Writes a file. If the turn has a keeper, the old content is kept first. */
export function keepingBefore(
  { keeper }: Pick<ToolContext, "keeper">,
  write: Omit<AtomicWrite, "keep">,
): AtomicWrite {
  if (keeper === undefined) return write;
  const { real, replaces, content } = write;
  return {
    ...write,
    async keep(madeFolder) {
      const before = replaces === undefined ? undefined : await heldContent(real, replaces);
      await keepBefore({ keeper }, { path: real, before, after: content, madeFolder });
    },
  };
}

/**
 * Keeps what a file holds before it is changed, if the turn has a keeper.
 * @throws ToolFailure if it cannot be kept; then the change must not be made.
 */
export async function keepBefore(
  { keeper }: Pick<ToolContext, "keeper">,
  change: FileChange,
): Promise<void> {
  try {
    await keeper?.keep(change);
  } catch (error) {
    const reason = explainSystemError(error) ?? messageOf(error);
    throw new ToolFailure(
      `What the file holds could not be kept, so that the change could be taken back: ${reason}. Nothing was written.`,
      { cause: error },
    );
  }
}

/** @throws ToolFailure when the file is not in the version that is to be replaced. */
async function heldContent(real: string, version: FileVersion): Promise<HeldContent> {
  const handle = await openRegularFile(real);
  try {
    const { size, mode } = await handle.stat();
    const data = size > mostKeptBytes ? undefined : await handle.readFile();
    if ((await versionOf(handle)) === version) return { data, mode: mode & 0o7777 };
  } finally {
    await handle.close();
  }
  throw new ToolFailure(
    "The file was changed by somebody else just now; nothing was written. Read it again with `read`.",
  );
}
