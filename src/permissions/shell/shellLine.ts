/** A word of a command. */
export interface ShellWord {
  /** What the command gets, quotes taken off; the source, where it is computed when it runs. */
  readonly text: string;
  readonly isStatic: boolean;
}

/** A command somewhere in a line. */
export interface ShellCommand {
  /** Its name and arguments. */
  readonly words: readonly ShellWord[];
  /** Variables set for it alone (or for the shell, where there are no words), as written. */
  readonly assignments: readonly string[];
  /** Files that it reads by `<`, as written. */
  readonly inputs: readonly string[];
  /** The whole of it, as written. */
  readonly source: string;
  /** False for one that is only suspected, and counts for deny rules alone. */
  readonly isCertain: boolean;
  /** True for one that does nothing but run others that are listed too: `timeout`, `sh -c`. */
  readonly isTransparent: boolean;
}

/** A command line taken apart. */
export interface ShellLine {
  readonly source: string;
  readonly commands: readonly ShellCommand[];
  /** Why the line could not be taken apart; then no rule allows it. */
  readonly unparsable: string | undefined;
  /** Why what it runs is only known when it runs; then no pattern allows it. */
  readonly computed: string | undefined;
  /** Whether a redirection writes a file, or opens a connection. */
  readonly redirects: boolean;
}
