// The process: argv, environment, signals, exit codes. stdout is taken over before anything that
// could write to it is loaded.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemClock } from "./base/clock.js";
import { armFaultPoint } from "./base/faultPoint.js";
import { randomIds } from "./base/ids.js";
import { fromStartFolder } from "./base/startFolder.js";
import { readServeOptions, type ServeOptions } from "./cli/serveOptions.js";
import { lifeOf, processNamespace } from "./process/processLife.js";
import { openStdio } from "./transport/stdio.js";

const argv = process.argv.slice(2);

if (typeof __FAULT_POINTS__ === "boolean" && __FAULT_POINTS__) {
  armFaultPoint(process.env.TURNWIRE_FAULT_POINT, () => process.kill(process.pid, "SIGKILL"));
}

/** This build's version, from the only place that states it. */
function readVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
}

async function startServer(options: ServeOptions): Promise<number> {
  const { input, output, logSink } = openStdio(process);
  // A file at its size limit is like a full disk: the request fails, and the server goes on.
  process.on("SIGXFSZ", () => {});
  const { serve } = await import("./cli/serve.js");
  return serve(options, {
    version: readVersion(),
    input,
    output,
    logSink,
    clock: systemClock,
    ids: randomIds,
    env: process.env,
    isFirstProcess: process.pid === 1,
    // Unhandled rejections come here too.
    onUncaught: (callback) => void process.on("uncaughtException", callback),
    exit: (code) => process.exit(code),
    resolvePath: fromStartFolder(() => process.cwd()),
    lifeOf,
    processId: process.pid,
    processNamespace: processNamespace(),
    onTerminate(callback) {
      let isAsked = false;
      const terminate = () => {
        // A second signal means: do not wait any longer.
        if (isAsked) process.exit(1);
        isAsked = true;
        callback();
      };
      process.on("SIGTERM", terminate);
      process.on("SIGINT", terminate);
      process.on("SIGHUP", terminate);
    },
  });
}

async function main(): Promise<number> {
  const asked = readServeOptions(argv, process.stdin.isTTY === true);
  if (asked !== undefined) return startServer(asked);
  const { createCommandLine } = await import("./cli/commandLine.js");
  return createCommandLine(process, {
    version: readVersion(),
    launcher: fileURLToPath(new URL("../bin/turnwire.js", import.meta.url)),
    startServer,
  }).run(argv);
}

void main().then((exitCode) => process.exit(exitCode));
