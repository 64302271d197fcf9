// One command line in a shell of its own: from its start until nothing of it is left.
import type { Readable } from "node:stream";
import { type Clock, sleep } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { endTree, type ProcessTree } from "./endTree.js";
import type { OutputCollector } from "./outputCollector.js";
import { processMarkerVariable } from "./processTable.js";
import type { ProcessReaper } from "./reaper.js";
import { shellArguments } from "./shellArguments.js";

/** The operating system did not start a shell, in words. */
export class ShellNotStarted extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ShellNotStarted";
  }
}

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
  /** Unique among the processes of the reaper's owner. */
  readonly id: string;
  readonly output: OutputCollector;
  readonly reaper: ProcessReaper;
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
   * @throws ShellNotStarted when it cannot be started.
   */
  static async start(options: ShellOptions): Promise<ShellProcess> {
    const { execa } = await import("execa");
    await options.reaper.start(options.env.PATH);
    const marker = `${options.reaper.owner}.${options.id}`;
    const subprocess = execa(options.shell, shellArguments(options), {
      cwd: options.cwd,
      env: { ...options.env, [processMarkerVariable]: marker },
      extendEnv: false,
      detached: true,
      cleanup: false,
      windowsHide: true,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      buffer: false,
      reject: false,
    });
    if (subprocess.pid === undefined) {
      const { shortMessage } = await subprocess;
      throw new ShellNotStarted(`The shell cannot be started: ${shortMessage ?? options.shell}`);
    }
    options.reaper.add(subprocess.pid);
    const exited = new Promise<ShellExit>((resolve) => {
      subprocess.once("exit", (code, signal) => {
        resolve(signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal });
      });
    });
    const running = { stdout: subprocess.stdout, exited, closed: subprocess };
    return new ShellProcess(running, { leader: subprocess.pid, marker }, options);
  }

  /** Ends the shell and all that it began; resolves when they are gone. */
  stop(): Promise<void> {
    return endTree(this.#tree, this.#options.clock, this.#options.log);
  }

  async #run({ stdout, exited, closed }: Running): Promise<ShellExit> {
    const { reaper, clock, output, log } = this.#options;
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
    reaper.remove(this.#tree.leader);
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

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}
