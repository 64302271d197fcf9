// Files as a rewind sees them: in the editor of the client that asks for it, where that has the file, and
// else on the disk (protocol.md section 7, Files of the editor).
import type { EditorFiles } from "../base/editorFiles.js";
import { mostKeptBytes } from "../base/fileKeeper.js";
import { isWithin } from "../base/insideFolder.js";
import { ToolFailure } from "../tools/failure.js";
import { editorFile } from "../tools/files/editorText.js";
import { EditorUnusable } from "./conflicts.js";
import { contentHash } from "./keptContent.js";
import { lookAt, type PresentFile } from "./presentFile.js";

/** The editor of the client that asks. */
export interface AskersEditor {
  readonly files: EditorFiles;
  readonly signal: AbortSignal;
  /** Only files inside are asked for. */
  readonly workspacePath: string;
}

/** So many answers may fail or be missing, before the editor is asked for no more files. */
const mostFailures = 3;

/** Looks at files, by way of an editor if there is one. */
export class EditorView {
  readonly #editor: AskersEditor | undefined;
  #failures = 0;

  constructor(editor?: AskersEditor) {
    this.#editor = editor;
  }

  /**
   * Looks at a path, see `lookAt`.
   *
   * @throws EditorUnusable if the editor gives no answer that can be used.
   */
  async lookAt(path: string): Promise<PresentFile> {
    const onDisk = await lookAt(path);
    const editor = this.#editor;
    // A file that is gone from the disk may stay in a tab of the editor; then it is gone all the same.
    if (onDisk.kind !== "file" || editor === undefined) return onDisk;
    if (!isWithin(editor.workspacePath, path)) return onDisk;
    const file = await this.#ask(editor, path);
    if (file?.content === undefined) return onDisk;
    const data = Buffer.from(file.content, "utf8");
    if (data.length > mostKeptBytes) return { kind: "large" };
    const hash = await contentHash(data);
    return { ...onDisk, data, hash, inEditor: { file, diskHash: onDisk.hash } };
  }

  async #ask(editor: AskersEditor, path: string) {
    if (this.#failures >= mostFailures) {
      throw new EditorUnusable("The editor has not answered for the files before it.");
    }
    try {
      return await editorFile(editor, { real: path, inside: true, shown: path });
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      this.#failures++;
      throw new EditorUnusable(error.message);
    }
  }

  /**
   * Replaces what the editor has. False if it has something else by now.
   *
   * @throws EditorUnusable if it is not known whether it was written.
   */
  async replace(
    { inEditor }: Extract<PresentFile, { kind: "file" }>,
    text: string,
  ): Promise<boolean> {
    const written = await inEditor?.file.replace(text, this.#editor?.signal ?? neverAborted);
    if (written?.kind === "unknown") throw new EditorUnusable(written.message);
    return written?.kind === "written";
  }
}

const neverAborted = new AbortController().signal;
