// Fills in the variables of a configuration, and remembers which variables contain its secrets.
import { isHttp } from "./httpUrl.js";
import { type Environment, expand, mayBeSecret, variablesIn } from "./variables.js";

/** The characters of an HTTP header. An error about another value would quote the value. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Reads variables for one configuration, and remembers which it read and which were missing. Its
 * warnings name fields and variables, never values.
 */
export class Secrets {
  readonly #env: Environment;
  readonly #variables = new Set<string>();
  readonly #warnings: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The variables that were named and must be hidden from tools. */
  get variables(): readonly string[] {
    return [...this.#variables];
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The value of a field that goes into an HTTP header; undefined, with a warning, if it has none. */
  header(field: string, text: string): string | undefined {
    const value = this.value(field, text)?.trim();
    if (value === undefined || headerValue.test(value)) return value;
    const [name] = variablesIn(text);
    const holder = name === undefined ? "its value" : `$${name}`;
    this.#warn(field, `${holder} holds a character that no header can carry`);
    return undefined;
  }

  /** The address of a webhook; undefined, with a warning, if it is none. */
  webhook(field: string, text: string): string | undefined {
    const value = this.value(field, text)?.trim();
    if (value === undefined || isHttp(value)) return value;
    this.#warn(field, "it must be an http or https URL");
    return undefined;
  }

  /** The value of a field; undefined, with a warning, if one of its variables is not set. */
  value(field: string, text: string): string | undefined {
    for (const name of variablesIn(text)) if (mayBeSecret(name)) this.#variables.add(name);
    const expanded = expand(text, this.#env);
    if ("value" in expanded) return expanded.value;
    this.#warn(field, `the variable ${expanded.unset} is not set`);
    return undefined;
  }

  /** The values of a record, without the undefined ones. */
  values(
    field: string,
    record: Readonly<Record<string, string>>,
    kind: "header" | "value",
  ): Record<string, string> {
    const filled = Object.entries(record).map(
      ([name, text]) => [name, this[kind](`${field}.${name}`, text)] as const,
    );
    return Object.fromEntries(
      filled.filter((entry): entry is readonly [string, string] => entry[1] !== undefined),
    );
  }

  #warn(field: string, why: string): void {
    this.#warnings.push(`${field} is left out: ${why}`);
  }
}
