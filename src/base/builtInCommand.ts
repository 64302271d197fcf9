/** The commands that are no words for a model: each is carried out in a run of its own. */
export type BuiltInCommand = "compact";

/** The built-in command that a prompt's text begins with. */
export function builtInCommandIn(text: string): BuiltInCommand | undefined {
  return /^\/compact(?:\s|$)/.test(text) ? "compact" : undefined;
}
