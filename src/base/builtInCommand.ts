/** A command that is not a text for a model. The program carries it out in a run of its own. */
export type BuiltInCommand = "compact" | "undo";

/** The built-in command at the beginning of a prompt, if there is one. */
export function builtInCommandIn(text: string): BuiltInCommand | undefined {
  const name = /^\/(compact|undo)(?:\s|$)/.exec(text)?.[1];
  return name as BuiltInCommand | undefined;
}

/** The text after the command of a prompt, trimmed. */
export function argumentIn(text: string): string {
  return text.replace(/^\/[a-z]+/, "").trim();
}
