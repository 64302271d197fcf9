/**
 * Which names belong to secrets: of members of a message, of variables, of options of a command line.
 */

const wordsOfSecrets = new Set([
  "authorization",
  "cookie",
  "cookies",
  "credential",
  "credentials",
  "passphrase",
  "passwd",
  "password",
  "passwords",
  "pwd",
  "secret",
  "secrets",
  "signature",
  "apikey",
  "apikeys",
  "bearer",
]);

/** A key or a token is a secret only of these kinds; `progressToken` or `maxTokens` is none. */
const kindsOfKeys = new Set([
  "access",
  "account",
  "admin",
  "api",
  "app",
  "auth",
  "bot",
  "client",
  "csrf",
  "deploy",
  "encryption",
  "gh",
  "github",
  "gitlab",
  "id",
  "jwt",
  "license",
  "master",
  "npm",
  "oauth",
  "personal",
  "private",
  "refresh",
  "secret",
  "security",
  "service",
  "session",
  "shared",
  "signing",
  "ssh",
  "storage",
  "xsrf",
]);

const keys = new Set(["key", "keys", "token", "tokens", "auth", "pat"]);

/** The words of a name, however they are joined: `apiKey`, `api-key`, `API_KEY`, `x-api-key`. */
function wordsOf(name: string): string[] {
  return name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** Whether the value of a member, or of an option, with this name is a secret. */
export function isSecretName(name: string): boolean {
  const words = wordsOf(name);
  if (words.some((word) => wordsOfSecrets.has(word))) return true;
  if (words.length === 1) return words[0] === "token" || words[0] === "auth";
  return words.some((word, index) => keys.has(word) && kindsOfKeys.has(words[index - 1] ?? ""));
}

/** Whether a variable of the environment with this name holds a secret. */
export function isSecretVariable(name: string): boolean {
  return isSecretName(name) || wordsOf(name).some((word) => keys.has(word));
}
