// The way from a command to the daemon of a data directory: finds it, asks it, starts it (protocol.md
// section 2, The daemon).
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { ErrorCodes, ResponseError } from "vscode-jsonrpc/node";
import { type Clock, sleep } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { silentLog } from "../base/log.js";
import { systemErrorCode } from "../base/systemError.js";
import type { MethodName, ParamsInput, Result } from "../protocol/registry.js";
import { isDaemonLockHeld } from "../storage/daemonLock.js";
import { makeDataDirectory } from "../storage/dataDirectory.js";
import { openChannel } from "../transport/channel.js";
import { connectLocally, isNobodyThere } from "../transport/localSocket.js";
import { otherDaemonExitCode } from "./daemonExit.js";
import type { LaunchDaemon } from "./daemonLaunch.js";
import { DaemonPlace, type DaemonPlaceOptions } from "./daemonPlace.js";

/** How long a daemon that comes, or makes room for another one, is waited for, in milliseconds. */
const patienceMs = 10_000;
/** How long a socket that is not to be trusted may stand in the place of one that is about to come, likewise. */
const odditiesMs = 2000;
/** The time between two tries, in milliseconds. */
const betweenTriesMs = 50;
/** How long a daemon may take to answer, in milliseconds. */
const answerMs = 30_000;
/** The file in the data directory that gets the log of a daemon in the background. */
const logName = "daemon.log";
/** How much of its log is told if it does not start, in bytes. */
const mostLogTold = 2000;

/** What is needed to reach a daemon. */
export interface DaemonReachOptions extends DaemonPlaceOptions {
  readonly clock: Clock;
  readonly launch: LaunchDaemon;
  /** A text for the life of a process; undefined if the process cannot be seen or has ended. */
  lifeOf(processId: number): string | undefined;
}

/** No daemon serves the data directory. */
export class NoDaemon extends Error {}

/** A daemon has ended, or was killed, while it was asked. */
export class LostDaemon extends Error {}

/** Reaches the daemon of one data directory. */
export class DaemonReach {
  readonly #options: DaemonReachOptions;

  constructor(options: DaemonReachOptions) {
    this.#options = options;
  }

  /**
   * Connects. A daemon that is just coming, or that makes room for another one, is waited for. Rejects
   * with {@link NoDaemon} where there is none, and with an `Error` that says why where one lives that
   * cannot be reached, or whose socket is not to be trusted.
   */
  async connect(): Promise<Socket> {
    const { clock, dataDirectory } = this.#options;
    const until = clock.now() + patienceMs;
    const trustUntil = clock.now() + odditiesMs;
    for (;;) {
      const socket = await this.#try().catch((error: unknown) => {
        // A daemon that begins may not have replaced yet what a dead one has left.
        if (clock.now() >= trustUntil) throw error;
        return undefined;
      });
      if (socket !== undefined) return socket;
      if (!this.#isExpected()) throw new NoDaemon(`no daemon serves ${dataDirectory}`);
      if (clock.now() >= until) throw this.#unreachable();
      await sleep(clock, betweenTriesMs);
    }
  }

  /** Like {@link connect}, but starts a daemon where there is none. */
  async connectOrStart(): Promise<Socket> {
    try {
      return await this.connect();
    } catch (error) {
      if (!(error instanceof NoDaemon)) throw error;
    }
    await this.start();
    return this.connect();
  }

  /** Asks the daemon one thing; rejects like {@link connect}, or with the daemon's refusal. */
  async ask<M extends MethodName>(method: M, params: ParamsInput<M>): Promise<Result<M>> {
    const socket = await this.connect();
    const channel = openChannel({
      input: socket,
      output: socket,
      framing: "ndjson",
      log: silentLog,
      maxUnsentBytes: Number.POSITIVE_INFINITY,
    });
    channel.connection.listen();
    const late = new AbortController();
    try {
      const answer = channel.connection.sendRequest<Result<M>>(method, params);
      return await Promise.race([answer, this.#silence(late.signal)]);
    } catch (error) {
      if (!isLoss(error)) throw error;
      const { dataDirectory } = this.#options;
      throw new LostDaemon(`the daemon of ${dataDirectory} was lost before it answered`);
    } finally {
      late.abort();
      channel.dispose();
      socket.destroy();
    }
  }

  /**
   * Starts a daemon in the background; resolves when one serves, which may be another that was started at
   * the same time. Rejects with what it said where none comes.
   */
  async start(args: readonly string[] = []): Promise<void> {
    const { clock, dataDirectory, launch, env } = this.#options;
    makeDataDirectory(dataDirectory);
    const logFile = join(dataDirectory, logName);
    const log = openSync(logFile, "a", 0o600);
    const before = fstatSync(log).size;
    const started = launch(["daemon", "--data-dir", dataDirectory, ...args], {
      cwd: dataDirectory,
      env,
      log,
    });
    closeSync(log);
    const come = this.#come(clock.now() + patienceMs);
    const first = await Promise.race([come, started.ended]);
    if (first === true) return started.leave();
    // Another one was faster.
    if (first !== false && first.code === otherDaemonExitCode && (await come)) return;
    const failure = first === false ? undefined : first.failure;
    throw new Error(`the daemon did not start: ${failure ?? lastOf(logFile, before)}`);
  }

  /** Resolves once a daemon's process is gone; false if that takes too long. */
  async ended(pid: number, waitMs: number): Promise<boolean> {
    const { clock, lifeOf } = this.#options;
    const until = clock.now() + waitMs;
    const life = lifeOf(pid);
    while (life !== undefined && lifeOf(pid) === life) {
      if (clock.now() >= until) return false;
      await sleep(clock, betweenTriesMs);
    }
    return true;
  }

  /** Rejects after a time in which a daemon that works answers: it may be stopped by a signal. */
  async #silence(signal: AbortSignal): Promise<never> {
    await sleep(this.#options.clock, answerMs, signal);
    throw this.#unreachable("does not answer");
  }

  async #come(until: number): Promise<boolean> {
    const { clock } = this.#options;
    while (clock.now() < until) {
      // Until the new daemon has looked at it, what a dead one has left is in the place of its socket.
      const socket = await this.#try().catch(() => undefined);
      if (socket !== undefined) {
        socket.destroy();
        return true;
      }
      await sleep(clock, betweenTriesMs);
    }
    return false;
  }

  async #try(): Promise<Socket | undefined> {
    const { dataDirectory, userId } = this.#options;
    if (!existsSync(dataDirectory)) return undefined;
    const { address } = new DaemonPlace(this.#options);
    if (address === undefined) return undefined;
    try {
      return await connectLocally(address, { userId });
    } catch (error) {
      // What a dead one has left need not be as it was: the next daemon looks at it.
      if (isNobodyThere(error) || !isDaemonLockHeld(dataDirectory)) return undefined;
      throw error;
    }
  }

  #unreachable(what = "does not listen"): Error {
    const { dataDirectory } = this.#options;
    if (!isDaemonLockHeld(dataDirectory)) return new NoDaemon(`no daemon serves ${dataDirectory}`);
    const { note } = new DaemonPlace(this.#options);
    const process = note === undefined ? "" : ` (process ${note.pid})`;
    return new Error(`a daemon of ${dataDirectory} lives${process}, but ${what}`);
  }

  /** Whether a daemon comes soon: one holds the lock, or has just made room for another one. */
  #isExpected(): boolean {
    const { dataDirectory, clock } = this.#options;
    if (!existsSync(dataDirectory)) return false;
    if (isDaemonLockHeld(dataDirectory)) return true;
    const { note } = new DaemonPlace(this.#options);
    return note?.state === "leaving" && clock.now() - note.at < patienceMs;
  }
}

/** Whether nobody is there who could answer; the answer of a daemon may be an error too. */
function isLoss(error: unknown): boolean {
  if (error instanceof ResponseError) return error.code === ErrorCodes.PendingResponseRejected;
  return systemErrorCode(error) !== undefined;
}

/** The end of a file, without what had been in it `before`. */
function lastOf(file: string, before: number): string {
  try {
    const log = openSync(file, "r");
    try {
      const from = Math.max(before, fstatSync(log).size - mostLogTold);
      const told = Buffer.alloc(mostLogTold);
      return told.toString("utf8", 0, readSync(log, told, 0, mostLogTold, from)).trim();
    } finally {
      closeSync(log);
    }
  } catch (error) {
    return messageOf(error);
  }
}
