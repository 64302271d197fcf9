/** The files of an editor, and what answers `readFile` and `writeFile` (protocol.md section 7). */
import { errorTable } from "../base/errors.js";
import type { FileRead, FileReadAnswer, FileWrite, FileWriteAnswer } from "../protocol/registry.js";
import { refusal } from "../transport/refusal.js";

/**
 * Answers for the files of the workspace, so that the agent sees and changes unsaved buffers. What a
 * handler throws goes to the model, and to no handler of errors. `signal` is aborted when the request is
 * withdrawn.
 */
export interface OwnFiles {
  /** The whole text of the file, from its buffer or from the disk, or that there is none. */
  read(
    request: FileRead,
    context: { readonly signal: AbortSignal },
  ): FileReadAnswer | Promise<FileReadAnswer>;
  /**
   * Puts the text into the buffer and saves it, if the file still has the version of the request (`null`:
   * if there is no such file). Else it throws a {@link FileChangedError} and changes nothing.
   */
  write(
    request: FileWrite,
    context: { readonly signal: AbortSignal },
  ): FileWriteAnswer | Promise<FileWriteAnswer>;
}

/** A file is not in the version that `writeFile` was to replace; for {@link OwnFiles.write} to throw. */
export class FileChangedError extends Error {
  override readonly name = "FileChanged";

  constructor(message = "The file has changed.") {
    super(message);
  }
}

/** Answers `readFile`. Rejects with what the handler throws, in the form that the server gets. */
export async function answerRead(
  files: OwnFiles | undefined,
  request: FileRead,
  signal: AbortSignal,
): Promise<FileReadAnswer> {
  if (files === undefined) throw noHandler();
  return await files.read(request, { signal });
}

/** Answers `writeFile`; like {@link answerRead}. */
export async function answerWrite(
  files: OwnFiles | undefined,
  request: FileWrite,
  signal: AbortSignal,
): Promise<FileWriteAnswer> {
  if (files === undefined) throw noHandler();
  try {
    return await files.write(request, { signal });
  } catch (error) {
    if (!(error instanceof FileChangedError)) throw error;
    const { code, retryable } = errorTable.FileChanged;
    throw refusal(code, error.message, { name: error.name, retryable });
  }
}

function noHandler(): Error {
  return refusal(errorTable.MethodNotFound.code, "This client answers for no files.");
}
