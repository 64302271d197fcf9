// The process: argv, environment, signals, exit codes. stdout is taken over before anything that
// could write to it is loaded.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemClock } from "./base/clock.js";
import { armFaultPoint } from "./base/faultPoint.js";
import { randomIds } from "./base/ids.js";
import { fromStartFolder } from "./base/startFolder.js";
import type { AcpOptions } from "./cli/acpOptions.js";
import { type AttachOptions, readAttachOptions } from "./cli/attachOptions.js";
import type { DaemonOptions } from "./cli/daemonOptions.js";
import { readServeOptions, type ServeOptions } from "./cli/serveOptions.js";
import { lifeOf, processNamespace } from "./process/processLife.js";
import { openStdio } from "./transport/stdio.js";

const argv = process.argv.slice(2);
const launcher = fileURLToPath(new URL("../bin/turnwire.js", import.meta.url));

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

/** Takes the standard streams, and gives what a server needs of its process. */
function takeProcess(hangsUp = true) {
  const { input, output, logSink } = openStdio(process);
  // A file at its size limit is like a full disk: the request fails, and the server goes on.
  process.on("SIGXFSZ", () => {});
  if (!hangsUp) process.on("SIGHUP", () => {});
  return {
    version: readVersion(),
    input,
    output,
    logSink,
    clock: systemClock,
    ids: randomIds,
    env: process.env,
    isFirstProcess: process.pid === 1,
    // Unhandled rejections come here too.
    onUncaught: (callback: (error: unknown) => void) =>
      void process.on("uncaughtException", callback),
    // Windows has no such signal.
    onInspect(callback: () => void) {
      if (process.platform !== "win32") process.on("SIGUSR2", callback);
    },
    exit: (code: number) => process.exit(code),
    resolvePath: fromStartFolder(() => process.cwd()),
    lifeOf,
    processId: process.pid,
    processNamespace: processNamespace(),
    onTerminate(callback: () => void) {
      let isAsked = false;
      const terminate = () => {
        // A second signal means: do not wait any longer.
        if (isAsked) process.exit(1);
        isAsked = true;
        callback();
      };
      process.on("SIGTERM", terminate);
      process.on("SIGINT", terminate);
      if (hangsUp) process.on("SIGHUP", terminate);
    },
  };
}

async function startServer(options: ServeOptions): Promise<number> {
  const io = takeProcess();
  const { serve } = await import("./cli/serve.js");
  return serve(options, io);
}

async function startDaemon(options: DaemonOptions): Promise<number> {
  // With a log of its own, it is asked to open that again.
  const io = takeProcess(options.logFile === undefined);
  const { daemon } = await import("./cli/daemonServer.js");
  return daemon(options, {
    ...io,
    platform: process.platform,
    userId: process.getuid?.(),
    setMask: (mask) => process.umask(mask),
    onHangUp: (callback) => void process.on("SIGHUP", callback),
  });
}

async function startAttached(options: AttachOptions): Promise<number> {
  const { attachIn } = await import("./cli/daemonIn.js");
  return attachIn(process, options, launcher);
}

async function startAcp(options: AcpOptions): Promise<number> {
  const io = takeProcess();
  const [{ acp }, { reachFrom }] = await Promise.all([
    import("./cli/acp.js"),
    import("./cli/daemonIn.js"),
  ]);
  return acp(options, io, () => reachFrom(process, options, launcher));
}

async function main(): Promise<number> {
  const asked = readServeOptions(argv, process.stdin.isTTY === true);
  if (asked !== undefined) return startServer(asked);
  const attached = readAttachOptions(argv);
  if (attached !== undefined) return startAttached(attached);
  const { createCommandLine } = await import("./cli/commandLine.js");
  return createCommandLine(process, {
    version: readVersion(),
    launcher,
    startServer,
    startDaemon,
    startAttached,
    startAcp,
  }).run(argv);
}

void main().then((exitCode) => process.exit(exitCode));
