/** The options of `turnwire completion`. */
import type { Command } from "commander";

/** The shells for which there is a script. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export interface CompletionOptions {
  readonly shell: Shell;
  /** The whole program, from which the script is made. */
  readonly program: Command;
}
