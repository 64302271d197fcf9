/** A change that a tool is about to make to a file. */
export interface FileChange {
  /** Absolute and real. */
  readonly path: string;
  /** The present content. Undefined if there is no file. */
  readonly before: HeldContent | undefined;
  /** The new content. */
  readonly after: Uint8Array;
  /** The topmost folder that is missing now and is made for it. */
  readonly madeFolder?: string | undefined;
}

/** The content of a file that is about to be changed. */
export interface HeldContent {
  /** Undefined if it is larger than {@link mostKeptBytes}. Then it is not kept. */
  readonly data: Uint8Array | undefined;
  /** Its permissions, as for `chmod`. */
  readonly mode: number;
}

/** The largest file whose content is kept, in bytes: as large as what `edit` changes. */
export const mostKeptBytes = 16 * 1024 * 1024;

/** Keeps the contents of files before a run changes them, so that the run can be taken back. */
export interface FileKeeper {
  /**
   * Call it when everything is ready and nothing has been changed yet. Resolves when the content is kept.
   * If it rejects, the change must not be made.
   */
  keep(change: FileChange): Promise<void>;
  /** Notes that a command is about to run. Its changes to files are not kept. */
  noteCommand(): Promise<void>;
}

/** The run whose changes are kept. */
export interface KeptRun {
  readonly sessionId: string;
  /** The position of its row. */
  readonly position: number;
  /**
   * Writes to the database after the earlier writes of the run. Resolves when it is stored. Rejects if it
   * cannot be stored, or if the run is cancelled in the meantime.
   */
  store(write: () => void): Promise<void>;
}
