// A file that `edit` or `write` is about to change: on the disk, or in the client's editor.
import { lstat } from "node:fs/promises";
import { type EditorFile, mostEditorBytes } from "../../base/editorFiles.js";
import type { Ids } from "../../base/ids.js";
import { systemErrorCode } from "../../base/systemError.js";
import { formatBytes } from "../../base/text.js";
import { aboutPath, ToolFailure } from "../failure.js";
import { currentVersion, writeAtomically } from "../files/atomicWrite.js";
import { editorFile, versionOfText } from "../files/editorText.js";
import { keepBefore, keepingBefore } from "../files/keepBefore.js";
import type { FileVersion } from "../files/open.js";
import type { ReachedPath } from "../files/paths.js";
import type { SessionState } from "../sessionState.js";
import type { ToolContext } from "../tool.js";
import { readTextFile, type TextFile, textFileOf } from "./textFile.js";

/** A file before its change. */
export interface ChangingFile {
  /** Undefined if there is no file. */
  readonly version: FileVersion | undefined;
  /**
   * Its text now.
   * @throws ToolFailure if it is too large, or not UTF-8.
   */
  text(): Promise<TextFile>;
  /**
   * Keeps what it holds and replaces it.
   * @returns the new version.
   * @throws ToolFailure if it is not in the version `replaces` any more, or cannot be written.
   */
  replace(content: Buffer, replaces: FileVersion | undefined): Promise<FileVersion>;
}

/** Where a change is made. */
export interface Changing {
  readonly context: ToolContext;
  readonly session: SessionState;
  readonly ids: Ids;
}

/** Looks at a file that may be changed. */
export async function changingFile(at: Changing, reached: ReachedPath): Promise<ChangingFile> {
  const ofEditor = await editorFile(at.context, reached);
  return ofEditor === undefined
    ? await fileOnDisk(at, reached)
    : await fileInEditor(at, reached, ofEditor);
}

async function fileOnDisk({ context, ids }: Changing, { real, shown }: ReachedPath) {
  return {
    version: await aboutPath(shown, () => currentVersion(real)),
    text: () => readTextFile(real),
    replace: (content: Buffer, replaces: FileVersion | undefined) =>
      writeAtomically(keepingBefore(context, { real, content, replaces }), ids),
  };
}

async function fileInEditor(
  { context, session }: Changing,
  { real }: ReachedPath,
  file: EditorFile,
): Promise<ChangingFile> {
  const { content: before } = file;
  const version = before === undefined ? undefined : await versionOfText(before);
  return {
    version,
    async text() {
      if (before === undefined || version === undefined) {
        throw new ToolFailure("There is no such file in the editor.");
      }
      return textFileOf(before, version);
    },
    async replace(content) {
      if (content.length > mostEditorBytes) {
        throw new ToolFailure(
          `The file would be too large for the editor (${formatBytes(content.length)}, at most ${formatBytes(mostEditorBytes)}); nothing was written.`,
        );
      }
      const data = before === undefined ? undefined : Buffer.from(before, "utf8");
      const held = data === undefined ? undefined : { data, mode: await modeOf(real) };
      await keepBefore(context, { path: real, before: held, after: content });
      context.signal.throwIfAborted();
      const text = content.toString("utf8");
      const written = await file.replace(text, context.signal).catch((error: unknown) => {
        // It was withdrawn: the client may have written it.
        session.forget(real);
        throw error;
      });
      if (written.kind === "written") return await versionOfText(text);
      if (written.kind === "unknown") session.forget(real);
      throw new ToolFailure(written.message);
    },
  };
}

/** The permissions of a file on the disk; usual ones while it has not been saved. */
async function modeOf(real: string): Promise<number> {
  try {
    return (await lstat(real)).mode & 0o7777;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return 0o644;
    throw error;
  }
}
