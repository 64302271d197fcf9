/**
 * The options of `turnwire serve` (protocol.md section 11), separate from the parser, which is
 * heavy.
 */

export interface ServeOptions {
  readonly framing: "auto" | "header" | "ndjson";
  readonly dataDir?: string;
  readonly logLevel: string;
  readonly logFile?: string;
  /** How long running turns may go on after the client has left. */
  readonly lingerSeconds: number;
  readonly maxMessageBytes: number;
  /** Whether `turnwire inspect` can look into it from the beginning. */
  readonly inspect?: boolean;
  /** Whether it opens resumable workspaces by itself. */
  readonly resume?: true;
}

export const framings = ["auto", "header", "ndjson"] as const;
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export const defaultServeOptions: ServeOptions = {
  framing: "auto",
  logLevel: "info",
  lingerSeconds: 0,
  maxMessageBytes: 64 * 1024 * 1024,
};

/** A number of seconds, 0 or more; undefined if the text is none. */
export function secondsOf(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === "" || !Number.isFinite(value) || value < 0 ? undefined : value;
}

/** A whole number over 0; undefined if the text is none. */
export function positiveIntegerOf(text: string): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** Applies an option's text to the options; undefined if the text is not valid. */
type Reader = (text: string) => Partial<ServeOptions> | undefined;

const readers: Readonly<Record<string, Reader>> = {
  "--framing": (text) =>
    member(
      "framing",
      framings.find((framing) => framing === text),
    ),
  "--data-dir": (text) => member("dataDir", text),
  "--log-level": (text) =>
    member(
      "logLevel",
      logLevels.find((level) => level === text),
    ),
  "--log-file": (text) => member("logFile", text),
  "--linger": (text) => member("lingerSeconds", secondsOf(text)),
  "--max-message-bytes": (text) => member("maxMessageBytes", positiveIntegerOf(text)),
};

function member<K extends keyof ServeOptions>(
  name: K,
  value: ServeOptions[K] | undefined,
): Partial<ServeOptions> | undefined {
  return value === undefined ? undefined : { [name]: value };
}

/**
 * The options of a correct command line that starts a server (`serve`, or no argument while stdin
 * is no terminal). It is read without the parser, because loading the parser would make an editor
 * wait. Undefined for every other command line; then the parser finds what is wrong.
 */
export function readServeOptions(
  argv: readonly string[],
  isStdinTty: boolean,
): ServeOptions | undefined {
  const [command, ...rest] = argv;
  if (command === undefined) return isStdinTty ? undefined : defaultServeOptions;
  if (command !== "serve") return undefined;
  let options = defaultServeOptions;
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index] ?? "";
    if (argument === "--stdio") continue;
    if (argument === "--inspect") {
      options = { ...options, inspect: true };
      continue;
    }
    if (argument === "--resume") {
      options = { ...options, resume: true };
      continue;
    }
    const [, name = argument, joined] = /^(--[a-z-]+)=(.*)$/s.exec(argument) ?? [];
    const text = joined ?? rest[++index] ?? "";
    // If a value looks like an option, the real value was probably forgotten.
    const isValue = text !== "" && (joined !== undefined || !text.startsWith("-"));
    const change = isValue && Object.hasOwn(readers, name) ? readers[name]?.(text) : undefined;
    if (change === undefined) return undefined;
    options = { ...options, ...change };
  }
  return options;
}
