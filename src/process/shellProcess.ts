// One command line in a shell of its own: from its start until nothing of it is left.
import type { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { OutputCollector } from "./outputCollector.js";
import { type PipedShell, type ShellEnd, startPiped } from "./pipedShell.js";
import type { ProcessHost } from "./processHost.js";
import { type ProcessMark, processMarkerVariable } from "./processMark.js";
import { type ProcessTree, startTimeOf } from "./processTable.js";
import type { ConfinedProgram } from "./sandbox/sandbox.js";
import { shellArguments } from "./shellArguments.js";

/** How a shell ended. */
export type ShellExit = ShellEnd & { readonly note?: string };

export interface ShellOptions {
  readonly command: string;
  readonly shell: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the shell leaves its last working directory. */
  readonly cwdFile?: string;
  readonly output: OutputCollector;
  readonly host: ProcessHost;
  /** Called when nothing is waited for any more before the start. What it throws is thrown on. */
  readonly beforeStart?: () => void;
  /** Puts the shell into a sandbox. */
  readonly confine?: (file: string, args: readonly string[]) => Promise<ConfinedProgram>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long to wait for output after the shell's end while a child still holds the pipe. */
const drainMs = 250;

/** A shell that has just been started. */
interface Running extends PipedShell {
  /** Gives the sandbox up. */
  readonly release: ConfinedProgram["release"];
}

/** A running shell. `ended` settles when it and everything that it began are gone. */
export class ShellProcess {
  /** Rejects if the output could not be stored; the processes are gone then too. */
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
    const { reaper, marks } = options.host;
    await reaper.start(options.env.PATH);
    const mark = marks.next();
    const { file, args, release } = await shellProgram(options, mark);
    const env = { ...options.env, [processMarkerVariable]: mark.variable };
    const begunAt = performance.now();
    const start = async () => {
      options.beforeStart?.();
      return startPiped({ file, args, cwd: options.cwd, env });
    };
    const piped = await start().catch(async (error) => {
      await release();
      throw error;
    });
    const { pid } = piped;
    reaper.add(pid);
    const tree = {
      leader: pid,
      mark,
      begunAt,
      holdsTree: options.confine !== undefined,
      ...defined({ startedAt: startTimeOf(pid) }),
    };
    return new ShellProcess({ ...piped, release }, tree, options);
  }

  /** Ends the shell and all that it began; resolves when they are gone. */
  stop(): Promise<void> {
    return this.#options.host.endTree(this.#tree);
  }

  async #run({ stdout, exited, closed, release }: Running): Promise<ShellExit> {
    const { host, output, log } = this.#options;
    // Output that cannot be stored ends the command. Otherwise it would wait for a reader forever.
    const drained = this.#collect(stdout).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    // It is awaited below. This handles its failure until then.
    drained.catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, "a command's output was not kept");
    });
    const exit = await exited;
    await this.#untilDrained(drained);
    await this.stop();
    stdout.destroy();
    host.reaper.remove(this.#tree.leader);
    let note: string | undefined;
    try {
      note = await release();
      await drained;
    } finally {
      await output.close();
      await closed;
    }
    return { ...exit, ...defined({ note }) };
  }

  /** Resolves when all output was read, or when a child has held the pipe for too long. */
  async #untilDrained(drained: Promise<void>): Promise<void> {
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = this.#options.clock.after(drainMs, resolve);
    });
    await Promise.race([drained.catch(() => {}), enough]);
    timer?.cancel();
  }

  async #collect(stdout: Readable): Promise<void> {
    try {
      for await (const chunk of stdout) await this.#options.output.add(chunk);
    } catch (error) {
      // The stream was destroyed after the wait, because a process that we cannot end still holds
      // the pipe.
      if (!(stdout.destroyed && isPrematureClose(error))) throw error;
    }
  }
}

async function shellProgram(options: ShellOptions, mark: ProcessMark): Promise<ConfinedProgram> {
  const { shell: file, confine } = options;
  const args = shellArguments({ ...options, mark });
  if (confine === undefined) return { file, args, release: async () => undefined };
  const confined = await confine(file, args);
  // The sandbox program itself may fail; the reason is a part of the output.
  const visibly = ["-c", 'exec "$0" "$@" 2>&1', confined.file, ...confined.args];
  return { ...confined, file: "/bin/sh", args: visibly };
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}
