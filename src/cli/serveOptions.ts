/** What `turnwire serve` takes (contract section 11), apart from the parser, which is heavy. */

export interface ServeOptions {
  readonly framing: "auto" | "header" | "ndjson";
  readonly dataDir?: string;
  readonly logLevel: string;
  readonly logFile?: string;
  /** How long running turns may go on after the client has left. */
  readonly lingerSeconds: number;
  readonly maxMessageBytes: number;
}

export const framings = ["auto", "header", "ndjson"] as const;
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export const defaultServeOptions: ServeOptions = {
  framing: "auto",
  logLevel: "info",
  lingerSeconds: 0,
  maxMessageBytes: 64 * 1024 * 1024,
};

/**
 * The options of the plainest ways to ask for a server (`serve`, `serve --stdio`, or nothing while
 * stdin is no terminal), which need no parser; undefined for every other command line.
 */
export function plainServeOptions(
  argv: readonly string[],
  isStdinTty: boolean,
): ServeOptions | undefined {
  const [command, ...rest] = argv;
  if (command === undefined) return isStdinTty ? undefined : defaultServeOptions;
  const isPlain = command === "serve" && rest.every((argument) => argument === "--stdio");
  return isPlain ? defaultServeOptions : undefined;
}
