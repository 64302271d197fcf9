/**
 * A call cannot be made because of the user's set-up. The message tells a person what is missing or
 * wrong and what to do. It never contains a secret.
 */
export class SetupError extends Error {
  override readonly name = "SetupError";
  constructor(
    /** The problem, as a sentence that continues after the provider's name. */
    readonly what: string,
    readonly advice: string,
    /** Whether it is about the credentials, and not about the model. */
    readonly isAboutCredentials: boolean,
  ) {
    super(`${what}. ${advice}`);
  }
}

const longestReason = 300;

/**
 * Why there are no credentials, in the words of the library that looked for them, made safe for a
 * message.
 */
export function reasonFor(error: unknown): string {
  // A JSON parser quotes the text that it could not read, and a profile's command may contain a
  // key.
  const message = error instanceof Error ? error.message : String(error);
  if (/not valid JSON|Invalid JSON|in JSON at/.test(message)) {
    return "the file of credentials is no JSON";
  }
  if (/^Command failed/.test(message)) return "the command that gives the credentials failed";
  const words = message
    .slice(0, 4 * longestReason)
    .replaceAll(/\s+/g, " ")
    .trim();
  const shown = words.length > longestReason ? `${words.slice(0, longestReason)}…` : words;
  return shown.replace(/\.$/, "");
}
