/** Where the lines of a log go, and how to wait until they are written. */
export interface LineTarget {
  write(line: string): void;
  flushed(): Promise<void>;
  /** Opens its file again, if it has one. */
  reopen?(): void;
}
