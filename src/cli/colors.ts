/** Whether there are colours. */
import type { ColorChoice } from "./runOptions.js";

/**
 * What the option says; else `NO_COLOR` (https://no-color.org), `FORCE_COLOR`, and whether it is a
 * terminal that knows them.
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
