/** The secrets that a process can know of: values in its environment, and in the user's configuration. */
import { readFileSync } from "node:fs";
import { isSecretVariable } from "./secretNames.js";

type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g;

/**
 * The values of the variables with a secret's name, and of those that a configuration refers to as
 * `$NAME`. A configuration that cannot be read names none.
 */
export function secretsAround(env: Environment, configFiles: readonly string[]): string[] {
  const named = new Set(configFiles.flatMap(namesIn));
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (named.has(name) || isSecretVariable(name)) ? [value] : [],
  );
}

function namesIn(file: string): string[] {
  try {
    const text = readFileSync(file, "utf8");
    return [...text.matchAll(reference)].map((found) => found[1] ?? found[2] ?? "");
  } catch {
    // There is none.
    return [];
  }
}
