/**
 * Runs a server as a child process. Its streams are pipes, its stderr is read, and the end of
 * stderr is kept. It is ended without leaving anything behind.
 */

import { accessSync, constants } from "node:fs";
import { parse } from "node:path";
import { cwd, execPath, kill, pid, platform } from "node:process";
import { afterAwake } from "../base/awakeTime.js";
import { startChild } from "../base/childStart.js";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { systemErrorCode } from "../base/systemError.js";
import { ConnectionLostError } from "./errors.js";
import { lastWords } from "./lastWords.js";
import type { Streams } from "./link.js";
import { environmentOf, programOf, type ServerCommand } from "./serverProgram.js";

/** The streams of a connection, and how to end the other side. */
export interface Endpoint {
  readonly streams: Streams;
  /**
   * The process id that the server is told. It ends when this process has ended. Only for a server
   * that we started.
   */
  readonly processId?: number;
  /**
   * Closes the streams, waits up to `graceMs` until the other side is gone, and then kills it.
   * Resolves when it is gone.
   */
  end(graceMs: number): Promise<void>;
  /** Kills the other side at once. */
  kill(): void;
  /** Lets the calling program end although the connection is open. */
  unref(): void;
  /**
   * Why it is gone, for the caller of a request without an answer. The way in which the process
   * ended explains more than `reason`, unless we ended it (`isOurs`).
   */
  explain(reason: string, options?: { readonly isOurs?: boolean }): ConnectionLostError;
}

const keptStderr = 8 * 1024;
const killAfterMs = 2_000;

/** Starts a server. If a command cannot be started, the connection ends at once. */
export async function startServer(command: ServerCommand, clock: Clock): Promise<Endpoint> {
  const { execa } = await import("execa");
  const [program, ...args] = programOf(command);
  const child = startChild(() =>
    execa(program, args, {
      ...defined({ cwd: command.cwd ?? folderToStartIn(), env: environmentOf(command) }),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      buffer: false,
      reject: false,
      // The server gets its own process group. So a Ctrl-C in a terminal reaches only the caller,
      // who then ends the server in good order. If the caller just dies, the end of stdin ends the
      // server.
      detached: platform !== "win32",
    }),
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-keptStderr);
    command.onStderr?.(text);
  });
  // The server may end before it has read everything. The end of its output tells us.
  child.stdin.on("error", () => {});
  const exited = child.then((result) => result);

  return {
    streams: { input: child.stdout, output: child.stdin },
    processId: pid,
    async end(graceMs) {
      child.stdin.end();
      const timers = [
        afterAwake(clock, graceMs, () => child.kill("SIGTERM")),
        afterAwake(clock, graceMs + killAfterMs, () => child.kill("SIGKILL")),
      ];
      await exited;
      for (const timer of timers) timer.cancel();
    },
    kill() {
      killGroup(child);
    },
    unref() {
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) unrefStream(stream);
    },
    explain(reason, { isOurs = false } = {}) {
      const how = (isOurs ? undefined : howItEnded(child)) ?? reason;
      const words = lastWords(stderr);
      return new ConnectionLostError(words === "" ? how : `${how}: ${words}`, { stderr });
    },
  };
}

/** Kills a server at once, together with a script that may have started it. */
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

/** Streams that somebody else opened and owns. */
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
    unref() {
      unrefStream(streams.output);
      unrefStream(streams.input);
    },
    explain: (reason) => new ConnectionLostError(reason),
  };
}

/** The root, if this process's own folder is gone or not accessible: a child cannot begin there. */
function folderToStartIn(): string | undefined {
  try {
    accessSync(cwd(), constants.X_OK);
    return undefined;
  } catch {
    return parse(execPath).root;
  }
}

/** Pipes and sockets keep a program alive; other streams do not. */
function unrefStream(stream: object): void {
  if ("unref" in stream && typeof stream.unref === "function") stream.unref();
}
