/** What `turnwire completion` is asked for. */
import type { Command } from "commander";

/** The shells that there is a script for. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export interface CompletionOptions {
  readonly shell: Shell;
  /** The whole program, from which the script is made. */
  readonly program: Command;
}
