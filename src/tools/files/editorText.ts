// What the client's editor says that a file holds (protocol.md section 7, Files of the editor), where the
// editor is the one to ask.
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { isLockedDataFile } from "../../base/dataFiles.js";
import { type EditorFile, mostEditorBytes } from "../../base/editorFiles.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import type { ToolContext } from "../tool.js";
import { fileKindBytes, fileKindOf } from "./fileKind.js";
import { type FileVersion, openRegularFile } from "./open.js";
import type { ReachedPath } from "./paths.js";

/**
 * A file of the workspace as the client's editor has it. Undefined where the disk counts: no editor is
 * connected, or the file is outside the workspace, or it is no text of at most 10 MiB. Once the editor has
 * answered for a path, the disk never counts for it in the same run.
 * @throws ToolFailure if the editor gives no answer that can be used.
 */
export async function editorFile(
  { files, signal }: Pick<ToolContext, "files" | "signal">,
  { real, inside }: ReachedPath,
): Promise<EditorFile | undefined> {
  if (files === undefined || !inside) return undefined;
  if (!files.hasAnswered(real) && !(await isForEditor(real))) return undefined;
  const answer = await files.read(real, signal);
  switch (answer.kind) {
    case "file":
      return answer.file;
    case "noEditor":
      return undefined;
    case "failed":
      throw new ToolFailure(answer.message);
  }
}

/** Whether there is text on the disk that an editor can have, or no file yet. */
async function isForEditor(real: string): Promise<boolean> {
  if (isLockedDataFile(real)) return false;
  try {
    const handle = await openRegularFile(real);
    try {
      if ((await handle.stat()).size > mostEditorBytes) return false;
      const data = await handle.readFile();
      const start = data.subarray(0, fileKindBytes);
      const isPdf = start.toString("latin1", 0, 5) === "%PDF-";
      return !isPdf && fileKindOf(start).kind === "text" && isUtf8(data);
    } finally {
      await handle.close();
    }
  } catch (error) {
    // A folder or a pipe: the tool itself explains it.
    if (error instanceof ToolFailure) return false;
    return systemErrorCode(error) === "ENOENT";
  }
}

/** How many UTF-16 units are hashed before other work gets its turn. */
const unitsAtOnce = 512 * 1024;

/**
 * The version of a text of the editor, by what it holds: the names that two connections of a client give
 * to their versions can be the same for different texts.
 */
export async function versionOfText(content: string): Promise<FileVersion> {
  const hash = createHash("sha256");
  for (let from = 0; from < content.length; from += unitsAtOnce) {
    if (from > 0) await setImmediate();
    // Two bytes for each unit, so that no piece can cut a character.
    hash.update(Buffer.from(content.slice(from, from + unitsAtOnce), "utf16le"));
  }
  return `editor:${hash.digest("hex")}`;
}
