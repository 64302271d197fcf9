/** The options of `turnwire serve --attach`, read without the parser, which is heavy. */

export interface AttachOptions {
  readonly dataDir?: string;
  /** Whether a daemon is started where there is none. */
  readonly start: boolean;
}

/**
 * The options of a correct command line with `--attach`. Undefined for every other one; then the parser
 * finds what is wrong.
 */
export function readAttachOptions(argv: readonly string[]): AttachOptions | undefined {
  const [command, ...rest] = argv;
  if (command !== "serve" || !rest.includes("--attach")) return undefined;
  let options: AttachOptions = { start: false };
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index] ?? "";
    if (argument === "--attach" || argument === "--stdio") continue;
    if (argument === "--start") options = { ...options, start: true };
    else {
      const [name, joined] = splitOnce(argument);
      const dataDir = joined ?? rest[++index] ?? "";
      if (name !== "--data-dir" || dataDir === "") return undefined;
      if (joined === undefined && dataDir.startsWith("-")) return undefined;
      options = { ...options, dataDir };
    }
  }
  return options;
}

function splitOnce(argument: string): [string, string | undefined] {
  const equals = argument.indexOf("=");
  if (equals === -1) return [argument, undefined];
  return [argument.slice(0, equals), argument.slice(equals + 1)];
}
