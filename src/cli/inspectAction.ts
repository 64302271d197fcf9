/** What `turnwire inspect` does; its code is loaded when it is used. */
import type { ResolvePath } from "../base/startFolder.js";
import type { InspectOptions } from "./inspectOptions.js";
import type { OutputStream } from "./runOutput.js";

/** What it needs beside its process. */
interface InspectParts {
  readonly resolvePath: ResolvePath;
  readonly out: OutputStream;
  readonly errors: OutputStream;
}

/** Runs the command; resolves with the exit code. */
export async function inspectAction(
  self: NodeJS.Process,
  options: InspectOptions,
  { resolvePath, out, errors }: InspectParts,
): Promise<number> {
  const { inspectIn } = await import("./inspectIn.js");
  // Stdout is the server's: a client that closes it is no failure of this command.
  out.release();
  return inspectIn(self, options, {
    resolvePath,
    writeError: (line) => void errors.write(`${line}\n`),
  });
}
