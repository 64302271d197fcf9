// The log in a file (docs/cli.md). It is loaded with the first line that goes there.
import { createWriteStream } from "node:fs";
import type { LogSink } from "../transport/logSink.js";
import type { LineTarget } from "./lineTarget.js";

/** Opens the file. Lines that it cannot take go to the sink. */
export function openLogFile(path: string, sink: LogSink): LineTarget {
  const file = createWriteStream(path, { flags: "a", mode: 0o600 });
  // A log file that cannot be written must not end the server: from then on, lines go to stderr.
  let isBroken = false;
  file.on("error", (error) => {
    isBroken = true;
    sink.write(`turnwire: the log file failed: ${error.message}\n`);
  });
  const ended = () =>
    new Promise<void>((resolve) => {
      if (isBroken) resolve();
      else file.end(resolve);
    });
  return {
    write: (line) => {
      if (isBroken) sink.write(line);
      else file.write(line);
    },
    flushed: () => ended().then(() => sink.flushed()),
  };
}
