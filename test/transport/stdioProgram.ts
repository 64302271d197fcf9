/**
 * A program for `stdio.test.ts`, run as a process of its own: `node program.cjs MODE`. It reports
 * on file descriptor 3, which is nobody's stdout or stderr.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { silentLog } from "../../src/base/log.js";
import { openChannel } from "../../src/transport/channel.js";
import { openStdio } from "../../src/transport/stdio.js";

const stdio = openStdio(process, { formatDropped: (count) => `dropped ${count}\n` });
const channel = openChannel({ ...stdio, framing: "auto", log: silentLog });
const report = (text: string) => fs.writeSync(3, `${text}\n`);
const kibibytes = "x".repeat(64 * 1024);

function scatterStrays(): void {
  console.log("stray console");
  process.stdout.write("stray stdout\n");
  fs.writeSync(1, "stray descriptor\n");
  spawnSync(process.execPath, ["-e", 'console.log("stray child")'], { stdio: "inherit" });
}

const modes: Record<string, () => void> = {
  /** Answers requests, with strays all around, until the input ends. */
  serve() {
    channel.connection.onRequest((method, params) => {
      scatterStrays();
      return { method, params };
    });
  },
  /** Sends 10 MiB to who does not read and reports that the event loop goes on. */
  floodStdout() {
    stdio.output.write(kibibytes.repeat(160));
    setTimeout(() => report("alive"), 50);
  },
  /** Logs 10 MiB, its own and through every other way, and reports that the loop goes on. */
  floodStderr() {
    for (let line = 0; line < 160; line++) {
      stdio.logSink.write(`${kibibytes}\n`);
      process.stderr.write(`${kibibytes}\n`);
      console.error(kibibytes);
      process.stdout.write(`${kibibytes}\n`);
    }
    setTimeout(() => report(`alive, dropped ${stdio.logSink.droppedLines}`), 50);
  },
};

channel.connection.listen();
modes[process.argv[2] ?? ""]?.();
void channel.closed.then(async (end) => {
  report(`closed: ${end.kind}`);
  if (end.kind === "end") await channel.flushed();
  process.exit(0);
});
