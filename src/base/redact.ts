import { redactSpelled } from "./spelledSecrets.js";

/** Shorter values are ordinary words ("Bearer", "dev"); to remove them would garble text. */
const shortestSecret = 8;

const mark = "[redacted]";

const secretHeader = /auth|key|token|secret|cookie|password/i;

/** What must never appear in a message about a provider: its key, and the headers that hold one. */
export function secretsOf(
  apiKey: string | undefined,
  headers: Readonly<Record<string, string>>,
): readonly string[] {
  const held = Object.entries(headers)
    .filter(([name]) => secretHeader.test(name))
    .flatMap(([, value]) => [value, ...value.split(/\s+/)]);
  return [apiKey ?? "", ...held]
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
}

/** The text with every secret in it replaced, also where it is spelled as in JSON or in a URL. */
export function redact(text: string, secrets: readonly string[]): string {
  const clean = secrets.reduce((all, secret) => all.replaceAll(secret, mark), text);
  return redactSpelled(clean, secrets, mark);
}
