// One command line in a shell of its own: from its start until nothing of it is left.
import type { Readable } from "node:stream";
import { ChildNotStarted, startChild } from "../base/childStart.js";
import { type Clock, sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { explainSystemError } from "../base/systemError.js";
import type { OutputCollector } from "./outputCollector.js";
import type { ProcessHost } from "./processHost.js";
import { type ProcessMark, processMarkerVariable } from "./processMark.js";
import { type ProcessTree, startTimeOf } from "./processTable.js";
import { shellArguments } from "./shellArguments.js";

/** How a shell ended. */
export type ShellExit =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string };

export interface ShellOptions {
  readonly command: string;
  readonly shell: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the shell leaves its last working directory. */
  readonly cwdFile?: string;
  readonly output: OutputCollector;
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long output is awaited after the shell's end while a child still holds the pipe. */
const drainMs = 250;

/** What is needed of a subprocess once it runs. */
interface Running {
  readonly stdout: Readable;
  readonly exited: Promise<ShellExit>;
  /** Resolves when its pipes are closed too. */
  readonly closed: Promise<unknown>;
}

/** A running shell; `ended` tells when it and all that it began are gone. */
export class ShellProcess {
  /** Rejects when the output could not be kept; the processes are gone then too. */
  readonly ended: Promise<ShellExit>;
  readonly #options: ShellOptions;
  readonly #tree: ProcessTree;

  private constructor(running: Running, tree: ProcessTree, options: ShellOptions) {
    this.#options = options;
    this.#tree = tree;
    this.ended = this.#run(running);
  }

  /**
   * Starts a shell in a session and a process group of its own, without input.
   * @throws ChildNotStarted when it cannot be started.
   */
  static async start(options: ShellOptions): Promise<ShellProcess> {
    const { execa } = await import("execa");
    const { reaper, marks } = options.host;
    await reaper.start(options.env.PATH);
    const mark = marks.next();
    const subprocess = spawnShell(execa, options, mark);
    const { pid } = subprocess;
    if (pid === undefined) {
      const { cause, shortMessage } = await subprocess;
      throw new ChildNotStarted(explainSystemError(cause) ?? shortMessage ?? options.shell);
    }
    reaper.add(pid);
    const tree = { leader: pid, mark, ...defined({ startedAt: startTimeOf(pid) }) };
    const exited = new Promise<ShellExit>((resolve) => {
      subprocess.once("exit", (code, signal) => {
        resolve(signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal });
      });
    });
    const running = { stdout: subprocess.stdout, exited, closed: subprocess };
    return new ShellProcess(running, tree, options);
  }

  /** Ends the shell and all that it began; resolves when they are gone. */
  stop(): Promise<void> {
    return this.#options.host.endTree(this.#tree);
  }

  async #run({ stdout, exited, closed }: Running): Promise<ShellExit> {
    const { host, clock, output, log } = this.#options;
    // Output that cannot be kept ends the command: else it would wait for a reader for ever.
    const drained = this.#collect(stdout).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    // It is awaited below; until then its failure has been seen to.
    drained.catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, "a command's output was not kept");
    });
    const exit = await exited;
    const enough = new AbortController();
    await Promise.race([
      drained.catch(() => {}),
      sleep(clock, drainMs, enough.signal).catch(() => {}),
    ]);
    enough.abort();
    await this.stop();
    stdout.destroy();
    host.reaper.remove(this.#tree.leader);
    try {
      await drained;
    } finally {
      await output.close();
      await closed;
    }
    return exit;
  }

  async #collect(stdout: Readable): Promise<void> {
    try {
      for await (const chunk of stdout) await this.#options.output.add(chunk);
    } catch (error) {
      // Destroyed after the drain, while somebody beyond our reach still holds the pipe.
      if (!(stdout.destroyed && isPrematureClose(error))) throw error;
    }
  }
}

function spawnShell(execa: typeof import("execa").execa, options: ShellOptions, mark: ProcessMark) {
  return startChild(() =>
    execa(options.shell, shellArguments({ ...options, mark }), {
      cwd: options.cwd,
      env: { ...options.env, [processMarkerVariable]: mark.variable },
      extendEnv: false,
      detached: true,
      cleanup: false,
      windowsHide: true,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      buffer: false,
      reject: false,
    }),
  );
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}
