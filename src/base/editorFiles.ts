// The files of a client's editor (protocol.md section 7, Files of the editor), as a turn sees them.

/** The largest content that goes through an editor, in bytes of UTF-8. */
export const mostEditorBytes = 10 * 1024 * 1024;

/** A file as the client has it now. */
export interface EditorFile {
  /** The whole text, with its byte order mark and line ends; undefined if there is no such file. */
  readonly content: string | undefined;
  /**
   * Asks the same connection to replace this state of the file; a file that is missing is made. Rejects
   * only with the signal's reason.
   */
  replace(content: string, signal: AbortSignal): Promise<EditorWrite>;
}

/** The answer to a read. `noEditor`: no connection of the client takes files, and the disk counts. */
export type EditorRead =
  | { readonly kind: "file"; readonly file: EditorFile }
  | { readonly kind: "noEditor" }
  | { readonly kind: "failed"; readonly message: string };

/**
 * How a write ended. `refused`: nothing was written. `unknown`: it may have been written. The message is
 * for the model.
 */
export type EditorWrite =
  | { readonly kind: "written" }
  | { readonly kind: "refused" | "unknown"; readonly message: string };

/** The files of one client, for one run. */
export interface EditorFiles {
  /** Whether this client has answered for the path in this run: then the disk never counts for it. */
  hasAnswered(path: string): boolean;
  /** Asks for a file by its absolute and real path. Rejects only with the signal's reason. */
  read(path: string, signal: AbortSignal): Promise<EditorRead>;
}
