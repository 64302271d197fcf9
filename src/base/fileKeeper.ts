/** A change that a tool is about to make to a file. */
export interface FileChange {
  /** Absolute and real. */
  readonly path: string;
  /** What the file holds; undefined where there is none. */
  readonly before: HeldContent | undefined;
  /** What it is to hold. */
  readonly after: Uint8Array;
  /** The topmost folder that is missing now and is made for it. */
  readonly madeFolder?: string | undefined;
}

/** The content of a file that is about to be changed. */
export interface HeldContent {
  /** Undefined where it is larger than {@link mostKeptBytes}: then it is not kept. */
  readonly data: Uint8Array | undefined;
  /** Its permissions, as for `chmod`. */
  readonly mode: number;
}

/** The largest file whose content is kept, in bytes: as large as what `edit` changes. */
export const mostKeptBytes = 16 * 1024 * 1024;

/** Keeps what files hold before a run changes them, so that it can be taken back. */
export interface FileKeeper {
  /**
   * Call it when all is ready and nothing is changed yet. Resolves once the content is kept; where it
   * rejects, the change must not be made.
   */
  keep(change: FileChange): Promise<void>;
  /** A command is about to run, and what it does to files is not kept. */
  noteCommand(): Promise<void>;
}

/** The run whose changes are kept. */
export interface KeptRun {
  readonly sessionId: string;
  /** The position of its row. */
  readonly position: number;
  /**
   * Writes into the database, behind what the run has written; resolves once that is stored. Rejects
   * where it cannot be, or the run is cancelled meanwhile.
   */
  store(write: () => void): Promise<void>;
}
