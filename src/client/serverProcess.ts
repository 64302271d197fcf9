/**
 * A server as a child process: started with its streams piped, its stderr drained and its last
 * words kept, and ended without leaving anything behind.
 */

import { accessSync, constants, existsSync } from "node:fs";
import { parse } from "node:path";
import { cwd, execPath, kill, pid, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { startChild } from "../base/childStart.js";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { systemErrorCode } from "../base/systemError.js";
import { ConnectionLostError } from "./errors.js";
import { lastWords } from "./lastWords.js";
import type { Streams } from "./link.js";

/** How to start a server. */
export interface ServerCommand {
  /** A program; without it, this package's own server runs under the current Node. */
  readonly command?: string;
  /** Its arguments; `["serve"]` unless told. */
  readonly args?: readonly string[];
  /** Adds `--data-dir` (protocol.md section 9). */
  readonly dataDir?: string;
  readonly cwd?: string;
  /** Added to the environment of the calling process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets what the server writes to stderr: its log. */
  onStderr?(text: string): void;
}

/** Where a connection's bytes go, and how to end what is at the other end. */
export interface Endpoint {
  readonly streams: Streams;
  /** Told to the server, which ends when this process has; only for one that we started. */
  readonly processId?: number;
  /**
   * Closes the streams, waits up to `graceMs` for the other end to be gone, and then makes it go.
   * Resolves when it is gone.
   */
  end(graceMs: number): Promise<void>;
  /** Ends it at once. */
  kill(): void;
  /**
   * Why it is gone, in words for the caller of a request that got no answer. How the process ended
   * says more than `reason`, unless it was ended by us (`isOurs`).
   */
  explain(reason: string, options?: { readonly isOurs?: boolean }): ConnectionLostError;
}

const keptStderr = 8 * 1024;
const killAfterMs = 2_000;

/** Starts a server. A command that cannot be started shows as a connection that ends at once. */
export async function startServer(command: ServerCommand, clock: Clock): Promise<Endpoint> {
  const { execa } = await import("execa");
  const args = [...(command.args ?? ["serve"])];
  if (command.dataDir !== undefined) args.push("--data-dir", command.dataDir);
  const ownServer = command.command === undefined;
  const child = startChild(() =>
    execa(command.command ?? ownBinary(), args, {
      ...defined({
        node: ownServer || undefined,
        ipc: ownServer ? false : undefined,
        cwd: command.cwd ?? folderToStartIn(),
        env: command.env,
      }),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      buffer: false,
      reject: false,
      // Its own process group: a Ctrl-C in a terminal is for the caller, who then ends the server in
      // good order. Where the caller just dies, the end of stdin ends the server.
      detached: platform !== "win32",
    }),
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-keptStderr);
    command.onStderr?.(text);
  });
  // The server may be gone before it has read all; the end of its output tells us so.
  child.stdin.on("error", () => {});
  const exited = child.then((result) => result);

  return {
    streams: { input: child.stdout, output: child.stdin },
    processId: pid,
    async end(graceMs) {
      child.stdin.end();
      const timers = [
        clock.after(graceMs, () => child.kill("SIGTERM")),
        clock.after(graceMs + killAfterMs, () => child.kill("SIGKILL")),
      ];
      await exited;
      for (const timer of timers) timer.cancel();
    },
    kill() {
      killGroup(child);
    },
    explain(reason, { isOurs = false } = {}) {
      const how = (isOurs ? undefined : howItEnded(child)) ?? reason;
      const words = lastWords(stderr);
      return new ConnectionLostError(words === "" ? how : `${how}: ${words}`, { stderr });
    },
  };
}

/** Ends a server at once, with a script that may stand between us and it. */
function killGroup(child: { readonly pid?: number | undefined; kill(signal: "SIGKILL"): boolean }) {
  if (child.pid !== undefined && platform !== "win32") {
    try {
      kill(-child.pid, "SIGKILL");
      return;
    } catch (error) {
      // The group is gone, or never was one.
      if (systemErrorCode(error) !== "ESRCH") throw error;
    }
  }
  child.kill("SIGKILL");
}

function howItEnded(child: {
  readonly pid?: number | undefined;
  readonly spawnfile: string;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
}): string | undefined {
  if (child.pid === undefined) return `the server could not be started: ${child.spawnfile}`;
  if (child.exitCode !== null) return `the server ended with code ${child.exitCode}`;
  if (child.signalCode !== null) return `the server was ended by ${child.signalCode}`;
  return undefined;
}

/** Streams that somebody else opened, and owns. */
export function attachedEndpoint(streams: Streams): Endpoint {
  return {
    streams,
    end() {
      streams.output.end();
      return Promise.resolve();
    },
    kill() {
      streams.output.destroy();
      streams.input.destroy();
    },
    explain: (reason) => new ConnectionLostError(reason),
  };
}

/** The root where this process's own folder is gone or closed to it: no child can begin there. */
function folderToStartIn(): string | undefined {
  try {
    accessSync(cwd(), constants.X_OK);
    return undefined;
  } catch {
    return parse(execPath).root;
  }
}

/** This package's launcher, from the source tree as from a bundle. */
function ownBinary(): string {
  const found = ["../bin/turnwire.js", "../../bin/turnwire.js"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error("this package's bin/turnwire.js is missing");
  return found;
}
