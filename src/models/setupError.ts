/**
 * A call that cannot be made as things are set up: what is missing or wrong, and what to do, in words
 * for a person. Never holds a secret.
 */
export class SetupError extends Error {
  override readonly name = "SetupError";
  constructor(
    /** What is the matter, as it goes on after the provider's name. */
    readonly what: string,
    readonly advice: string,
    /** Whether it is about who calls, not about what is called. */
    readonly isAboutCredentials: boolean,
  ) {
    super(`${what}. ${advice}`);
  }
}

const longestReason = 300;

/** Why credentials could not be had, in the words of the library that tried, fit for a message. */
export function reasonFor(error: unknown): string {
  // The parser of JSON quotes what it could not read, and the command of a profile may hold a key.
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
