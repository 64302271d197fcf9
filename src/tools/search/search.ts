/** What to search for, and where. ripgrep and our own search give the same results. */
export interface Search {
  /** The walk's start: absolute and real. */
  readonly root: string;
  readonly pattern: string;
  readonly isLiteral: boolean;
  readonly ignoreCase: boolean;
  readonly signal: AbortSignal;
}

/** A line that matches. */
export interface Match {
  /** From the search's root, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** The bytes of a line that are searched and shown at most. */
export const maxLineBytes = 8_192;

/**
 * Finds the matching lines of files (paths from the root), in their order.
 * @throws ToolFailure if the pattern is invalid, or takes too long.
 */
export type Searcher = (search: Search, files: readonly string[]) => AsyncIterable<Match>;
