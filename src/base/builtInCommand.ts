/** The commands that no model gets. Each is carried out in a run of its own. */
export type BuiltInCommand = "compact";

/** The built-in command at the beginning of a prompt's text. */
export function builtInCommandIn(text: string): BuiltInCommand | undefined {
  return /^\/compact(?:\s|$)/.test(text) ? "compact" : undefined;
}
