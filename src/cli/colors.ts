/** Whether there are colours. */
import type { ColorChoice } from "./runOptions.js";

/**
 * The option decides. Without it, `NO_COLOR` (https://no-color.org) and `FORCE_COLOR` decide, and then
 * whether the output is a terminal with colours.
 */
export function isColored(
  choice: ColorChoice,
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (choice !== "auto") return choice === "always";
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return !["0", "false"].includes(env.FORCE_COLOR);
  return isTerminal && env.TERM !== "dumb";
}
