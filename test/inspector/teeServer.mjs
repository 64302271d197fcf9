// A server for the tests of the tee. Its first argument says what it does.

import { spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";

const [what = "echo", ...rest] = process.argv.slice(2);
const doings = {
  /** Sends back every byte, and says at its end how it was asked to end. */
  echo() {
    process.stdin.pipe(process.stdout);
    process.stderr.write("ready\n");
  },
  exit: () => process.exit(Number(rest[0])),
  kill: () => process.kill(process.pid, rest[0]),
  /** Tells which signal it gets. */
  signals() {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"]) {
      process.on(signal, () => {
        writeSync(1, `${signal}\n`);
        if (signal === "SIGTERM") process.exit(7);
      });
    }
    process.stdin.resume();
    writeSync(1, "ready\n");
  },
  /** Writes as much as it is told to, as quickly as it is read. */
  flood() {
    const block = Buffer.alloc(64 * 1024, "x");
    for (let left = Number(rest[0]); left > 0; left -= block.length) writeAll(block);
    writeSync(2, "flooded\n");
  },
  /** Reads no more, but lives on. */
  deaf() {
    closeSync(0);
    writeSync(1, "deaf\n");
    setTimeout(() => process.exit(3), Number(rest[0]));
  },
  /** Ends while another program holds its pipes. */
  holder() {
    spawn("sleep", ["20"], { stdio: "inherit", detached: true }).unref();
    writeSync(1, "gone\n");
    process.exit(0);
  },
};

function writeAll(block) {
  for (let written = 0; written < block.length; ) {
    try {
      written += writeSync(1, block, written);
    } catch (error) {
      if (["EPIPE", "ECONNRESET"].includes(error.code)) process.exit(9);
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

doings[what]();
