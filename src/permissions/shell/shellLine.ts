/** The language that a line is read in: that of the shell that will run it. */
export type ShellLanguage = "bash" | "posix" | "unknown";

/** Stands for text that is only known when the line runs. No line can contain this character. */
export const computedMark = "\0";

/** A word of a command. */
export interface ShellWord {
  /** What the command gets, without quotes. If the word is computed when it runs, its source. */
  readonly text: string;
  readonly isStatic: boolean;
  /** The text, with {@link computedMark} for each piece that is computed. */
  readonly shape: string;
  /** Whether a computed word might begin with `-`, or be several words that might. */
  readonly mayBeOption: boolean;
  /** Whether a computed word may be several words. */
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
  /** Whether it has redirections, of any kind. */
  readonly isRedirected: boolean;
  /** The whole of it, as written. */
  readonly source: string;
  /** Every folder that it may run in; undefined where that is not known. */
  readonly folders: readonly string[] | undefined;
  /** False for a command that is only suspected; deny rules still apply to it. */
  readonly isCertain: boolean;
  /** True for a command that only runs others, which are listed too: `timeout`, `sh -c`. */
  readonly isTransparent: boolean;
  /** The place, among the line's commands, of the one that is written in the line and runs this one. */
  readonly written: number;
  /** Whether it reads what a pipe or a document gives it. */
  readonly isFed: boolean;
}

/** A command line taken apart. */
export interface ShellLine {
  readonly source: string;
  readonly commands: readonly ShellCommand[];
  /** Why the line could not be taken apart; then no rule allows it. */
  readonly unparsable: string | undefined;
  /** Why it is only known at run time what the line runs; then no pattern allows it. */
  readonly computed: string | undefined;
  /**
   * Whether it does something that its commands do not show: a redirection writes a file or opens a
   * connection, a group reads a file, a loop sets `PATH`.
   */
  readonly hasEffects: boolean;
  /** Whether it is only a list of commands of literal words, some of them piped. */
  readonly isPlain: boolean;
}
