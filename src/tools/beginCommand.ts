// What `bash` does for every command: for one that it waits for, and for one in the background.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAwake } from "../base/awakeTime.js";
import { ChildNotStarted } from "../base/childStart.js";
import { defined } from "../base/defined.js";
import { endFileName } from "../base/endFiles.js";
import { makeFolder } from "../base/makeFolder.js";
import { OutputCollector } from "../process/outputCollector.js";
import { type Confinement, innerPathOf } from "../process/sandbox/sandbox.js";
import { SandboxImpossible } from "../process/sandbox/surroundings.js";
import { type ShellExit, type ShellOptions, ShellProcess } from "../process/shellProcess.js";
import { ToolFailure } from "./failure.js";
import type { ToolResources } from "./resources.js";
import type { ToolContext } from "./tool.js";
import { isFolderInside, removeEndFile, type WorkingDirectory } from "./workingDirectory.js";

/** A running command. */
export class BegunCommand {
  readonly shell: ShellProcess;
  readonly output: OutputCollector;
  /** Where the shell leaves its last working directory; undefined if nobody asks for it. */
  readonly cwdFile: string | undefined;
  readonly #resources: ToolResources;

  constructor(
    shell: ShellProcess,
    output: OutputCollector,
    cwdFile: string | undefined,
    resources: ToolResources,
  ) {
    this.shell = shell;
    this.output = output;
    this.cwdFile = cwdFile;
    this.#resources = resources;
  }

  /** Resolves when nothing of it is left: it ended by itself, by `timeoutMs`, or by the signal. */
  async untilEnd(
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<{ exit: ShellExit; hasTimedOut: boolean }> {
    let hasTimedOut = false;
    let stopping: Promise<void> | undefined;
    const stop = () => {
      stopping ??= this.shell.stop();
      // It is awaited below. Until then, this keeps a failure from being reported as unhandled.
      stopping.catch(() => {});
    };
    const timer = afterAwake(this.#resources.clock, timeoutMs, () => {
      hasTimedOut = true;
      stop();
    });
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      return { exit: await this.shell.ended, hasTimedOut };
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", stop);
      await stopping;
    }
  }
}

/** A command that is to begin. */
export interface CommandToBegin {
  readonly command: string;
  /** The path of the shell for which it was allowed. */
  readonly shell: string;
  readonly directory: WorkingDirectory;
  readonly context: ToolContext;
  readonly resources: ToolResources;
  /** Undefined if it runs in no sandbox. */
  readonly confinement: Confinement | undefined;
  /** Whether the session's next command begins where this one ends. */
  readonly movesSession: boolean;
}

/** Starts a command in a working directory. */
export async function beginCommand(options: CommandToBegin): Promise<BegunCommand> {
  const { command, directory, context, resources } = options;
  const { clock, host } = resources;
  const { log = resources.log } = context;
  const id = resources.ids.next("cmd");
  const folders = resources.commandFolders(context.sessionId);
  const output = new OutputCollector({
    file: join(folders.outputs, `${id}.txt`),
    onOutput: (delta) => context.onOutput(delta),
  });
  const name = endFileName(context.sessionId, id);
  const cwdFile = options.movesSession ? join(folders.ends, name) : undefined;
  // An earlier call of the same turn may have changed what the repository names.
  const guarding = await resources.guard?.(context.env, context.signal);
  context.signal.throwIfAborted();
  const start = async () =>
    startShell({
      command,
      shell: options.shell,
      cwd: directory.path,
      env: { ...context.env, ...guarding },
      beforeStart() {
        // Since the folder was looked at, another command may have put a link in its place.
        if (isFolderInside(context.workspacePath, directory.path)) return;
        throw new ToolFailure(`${directory.path} is another folder now; nothing was run.`);
      },
      ...(await whereItRuns(options, folders.outputs, cwdFile)),
      output,
      host,
      clock,
      log,
    });
  const shell = await start().catch(async (error: unknown) => {
    await removeEndFile(cwdFile);
    throw error;
  });
  resources.own(context.sessionId, shell);
  return new BegunCommand(shell, output, cwdFile, resources);
}

/** The file for the shell's last folder, by its path inside the sandbox, and the sandbox. */
async function whereItRuns(
  { directory, confinement }: CommandToBegin,
  outputs: string,
  cwdFile: string | undefined,
): Promise<Pick<ShellOptions, "cwdFile" | "confine">> {
  if (confinement === undefined) return defined({ cwdFile });
  // The folder around it cannot be seen from inside; only this one file in it can.
  const files = cwdFile === undefined ? [] : [{ from: cwdFile, to: innerPathOf(cwdFile) }];
  for (const { from } of files) await writeFile(from, "", { flag: "wx", mode: 0o600 });
  const temporary = join(outputs, "tmp");
  await makeFolder(temporary, { mode: 0o700 });
  const options = { cwd: directory.path, temporary, files };
  return {
    ...defined({ cwdFile: files[0]?.to }),
    confine: (file, args) => confinement.confine(file, args, options),
  };
}

/** If a shell cannot be started, the model is told. */
async function startShell(options: ShellOptions): Promise<ShellProcess> {
  try {
    return await ShellProcess.start(options);
  } catch (error) {
    if (!(error instanceof ChildNotStarted || error instanceof SandboxImpossible)) throw error;
    throw new ToolFailure(`The shell cannot be started: ${error.message}.`, { cause: error });
  }
}
