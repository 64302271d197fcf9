/** The language that a line is read in: what the shell that will run it speaks. */
export type ShellLanguage = "bash" | "posix" | "unknown";

/** Stands in a word's shape for what is only known when it runs. No line can contain it. */
export const computedMark = "\0";

/** A word of a command. */
export interface ShellWord {
  /** What the command gets, quotes taken off; the source, where it is computed when it runs. */
  readonly text: string;
  readonly isStatic: boolean;
  /** The text, with {@link computedMark} for each piece that is computed. */
  readonly shape: string;
  /** Whether a word that is computed might begin with `-`, or be several words that might. */
  readonly mayBeOption: boolean;
  /** Whether a word that is computed may be several words. */
  readonly canSplit: boolean;
}

/** A command somewhere in a line. */
export interface ShellCommand {
  /** Its name and arguments. */
  readonly words: readonly ShellWord[];
  /** Variables set for it alone (or for the shell, where there are no words), as written. */
  readonly assignments: readonly string[];
  /** Variables that it sets; a pattern allows it only if it spells them out. */
  readonly sets: readonly string[];
  /** Files that it reads by `<`, as written. */
  readonly inputs: readonly string[];
  /** The whole of it, as written. */
  readonly source: string;
  /** Every folder that it may run in; undefined where that is not known. */
  readonly folders: readonly string[] | undefined;
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
  /**
   * Whether it does something that no command in it tells: a redirection writes a file or opens a
   * connection, a group reads a file, a loop sets `PATH`.
   */
  readonly hasEffects: boolean;
}
