/**
 * Takes secrets out of what is recorded or shown, before it leaves the thread that has read it
 * (docs/inspecting.md, What is never shown).
 *
 * What counts as a secret: the values of `env`; members with a secret's name; values of variables
 * with such a name, or that a configuration refers to as `$NAME`, wherever they appear; and texts
 * that look like a key.
 */
import { defined } from "../base/defined.js";
import { redactSpelled } from "../base/spelledSecrets.js";
import { encodedForms } from "./encodedForms.js";
import { isSecretName, isSecretVariable } from "./secretNames.js";

/** What stands in the place of a secret. */
export const redacted = "[redacted]";

/** Shorter values are ordinary words; to replace them would garble texts. */
const shortestSecret = 8;
/** No more values are looked for; every one costs a search of every text. */
const mostValues = 200;
/** From here on values are looked for only as they are, for the same reason. */
const mostForms = 100;
/** Nothing that is nested deeper is walked through. */
const deepest = 200;
/** The longest private keys have fewer lines. */
const mostKeyLines = 250;

const namesOfEnvironments = new Set(["env", "environment", "environmentVariables", "headers"]);

/** Tokens of progress, which no one need hide, by the methods that carry them. */
const progressMethods = new Set(["$/progress", "window/workDoneProgress/create"]);

/** Texts that are keys by their look. None can backtrack: each repeats one class of characters. */
const looksLikeKey = [
  /\b(?:sk|pk|rk)-[\w-]{16,}/g,
  /\b(?:sk|pk|rk)_(?:live|test)_\w{10,}/g,
  /\b(?:ghp|gho|ghu|ghs|ghr|glpat|npm|xox[abeoprs])[_-][\w-]{10,}/g,
  /\bgithub_pat_\w{20,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[\w-]{30,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
];
const bearer = /\b(Bearer|Basic) [\w+/=.~-]{8,}/gi;
const headerInText =
  /\b((?:proxy-)?authorization|x-api-key|api-key|set-cookie|cookie)(["']?[ \t]{0,8}[:=][ \t]{0,8}["']?)[^\r\n"']{4,}/gi;
const userInUrl = /:\/\/([^\s/:@]{0,256}):[^\s/@]{1,256}@/g;
const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g;

/** Replaces secrets in values. It learns the values of `env` as it meets them. */
export class Redaction {
  readonly #values = new Set<string>();
  /** The values, and how they look when they are written in other ways. */
  readonly #forms = new Set<string>();
  #longestFirst: string[] = [];
  /** How many of the next lines of a log may be those of a private key. */
  #keyLines = 0;

  /** @param values what is a secret from the beginning. */
  constructor(values: Iterable<string> = []) {
    for (const value of values) this.learn(value);
  }

  /** From now on this value is replaced wherever it appears. */
  learn(value: string): void {
    const text = value.trim();
    if (text.length < shortestSecret || this.#values.has(text)) return;
    if (this.#values.size >= mostValues) return;
    this.#values.add(text);
    this.#forms.add(text);
    if (this.#forms.size < mostForms) for (const form of encodedForms(text)) this.#forms.add(form);
    this.#longestFirst = [...this.#forms].sort((a, b) => b.length - a.length);
  }

  /** How long the longest value is that is looked for, in UTF-16 units. */
  get longest(): number {
    return this.#longestFirst[0]?.length ?? 0;
  }

  /**
   * Where a text has a value, or ends with the beginning of one of at least `shortest` units: begin and
   * end of each place, in order.
   */
  placesIn(text: string, shortest: number): [number, number][] {
    const places: [number, number][] = [];
    for (const value of this.#longestFirst) {
      for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + value.length)) {
        places.push([at, at + value.length]);
      }
      const most = Math.min(value.length - 1, text.length);
      const last = text.charCodeAt(text.length - 1);
      for (let length = most; length >= shortest; length--) {
        // Nearly always the last character tells that it is none.
        if (value.charCodeAt(length - 1) !== last) continue;
        if (!text.endsWith(value.slice(0, length))) continue;
        places.push([text.length - length, text.length]);
        break;
      }
    }
    return places.sort(([a], [b]) => a - b);
  }

  /** The text without secrets. */
  text(text: string): string {
    let clean = text;
    for (const value of this.#longestFirst) {
      if (clean.includes(value)) clean = clean.replaceAll(value, redacted);
    }
    clean = redactSpelled(clean, this.#longestFirst, redacted);
    if (clean.length < shortestSecret) return clean;
    clean = withoutPrivateKeys(clean)
      .replace(headerInText, `$1$2${redacted}`)
      .replace(bearer, `$1 ${redacted}`)
      .replace(userInUrl, `://$1:${redacted}@`);
    for (const pattern of looksLikeKey) clean = clean.replace(pattern, redacted);
    return clean;
  }

  /** The next line of a log without secrets: a private key takes many lines. */
  line(text: string): string {
    const isInside = this.#keyLines > 0;
    if (isInside) this.#keyLines -= 1;
    if (text.includes("PRIVATE KEY-----")) {
      const isBegin = text.lastIndexOf("-----BEGIN") > text.lastIndexOf("-----END");
      this.#keyLines = isBegin ? mostKeyLines : 0;
    }
    return isInside ? redacted : this.text(text);
  }

  /** A message without secrets: a new value, in which everything else is as it was. */
  message(message: unknown): unknown {
    const isProgress = isObject(message) && progressMethods.has(String(message.method));
    return this.#value(message, 0, isProgress);
  }

  /** A command line without secrets: the values of options with a secret's name. */
  command(words: readonly string[]): string[] {
    let isValue = false;
    return words.map((word) => {
      const isSecret = isValue;
      const [, flag = "", value] = /^-{0,2}([A-Za-z][\w-]{0,100})(=.*)?$/s.exec(word) ?? [];
      const isNamed = flag !== "" && (isSecretName(flag) || isSecretVariable(flag));
      isValue = isNamed && word.startsWith("-") && value === undefined;
      if (isSecret) return redacted;
      if (isNamed && value !== undefined) return `${word.slice(0, word.indexOf("="))}=${redacted}`;
      return this.text(word);
    });
  }

  #value(value: unknown, depth: number, isProgress: boolean): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth >= deepest) return "[nested too deep]";
    if (Array.isArray(value)) {
      return value.map((item: unknown) => this.#value(item, depth + 1, isProgress));
    }
    const clean: [string, unknown][] = Object.entries(value).map(([name, member]) => {
      if (namesOfEnvironments.has(name)) return [name, this.#environment(member, name)];
      const isToken = isProgress && name === "token";
      if (!isToken && isSecretName(name) && isHeld(member)) return [name, redacted];
      return [this.text(name), this.#value(member, depth + 1, isProgress)];
    });
    return Object.fromEntries(clean);
  }

  /** An environment by names, or as ACP has it: a list of `{name, value}`. Headers are alike. */
  #environment(value: unknown, kind: string): unknown {
    if (Array.isArray(value)) {
      return value.map((item: unknown) => {
        if (!isObject(item)) return redacted;
        this.#learnFrom(String(item.name ?? ""), item.value, kind);
        return { ...defined({ name: item.name }), value: redacted };
      });
    }
    if (!isObject(value)) return value === null || value === undefined ? value : redacted;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        this.#learnFrom(name, member, kind);
        return [name, member === null ? null : redacted];
      }),
    );
  }

  #learnFrom(name: string, value: unknown, kind: string): void {
    if (typeof value !== "string") return;
    if (kind === "headers" ? isSecretName(name) : isSecretVariable(name)) this.learn(value);
  }
}

/** Numbers and switches hold no secret: `maxOutputTokens: 100`, `hasPassword: true`. */
function isHeld(value: unknown): boolean {
  return (
    (typeof value === "string" && value !== "") || (typeof value === "object" && value !== null)
  );
}

function withoutPrivateKeys(text: string): string {
  if (!text.includes("PRIVATE KEY-----")) return text;
  let clean = "";
  let from = 0;
  for (const { index, 0: begin } of text.matchAll(privateKey)) {
    if (index < from) continue;
    const end = text.indexOf("-----END", index + begin.length);
    clean += text.slice(from, index) + redacted;
    from = end === -1 ? text.length : end;
  }
  return clean + text.slice(from);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
