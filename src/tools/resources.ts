// What the tools of one workspace own: running processes, whole outputs on disk, and the state of
// each session.
import { lstatSync, realpathSync, statSync, unlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { outputFolderName } from "../base/dataFiles.js";
import { endsFolder, removeEndFiles } from "../base/endFiles.js";
import { messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { makeFolderSync } from "../base/makeFolder.js";
import { systemErrorCode } from "../base/systemError.js";
import type { Job } from "../process/jobs.js";
import type { ProcessHost } from "../process/processHost.js";
import type { Confinement } from "../process/sandbox/sandbox.js";
import { ShellFinder } from "../process/shellFinder.js";
import type { ShellProcess } from "../process/shellProcess.js";
import { SessionState } from "./sessionState.js";

export interface ToolResourcesOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Watches over the commands. All workspaces share it, and its maker closes it. */
  readonly host: ProcessHost;
  /**
   * The folder for outputs that are too long for a result. It contains one folder per session, which stays
   * until the session is forgotten. It is made when it is first needed, and should be private to the user.
   */
  readonly outputDirectory: string;
  /**
   * The variables that a command gets over its environment, so that nothing runs that the workspace
   * names. It is asked for each command. Without it there are none.
   */
  readonly guard?: CommandGuard;
}

/** Gives the variables to add to the environment of a command. Never rejects. */
export type CommandGuard = (
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<Readonly<Record<string, string>>>;

/** Owns what the tools of one workspace opened. Dispose of it with the workspace. */
export class ToolResources {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly host: ProcessHost;
  /** How commands are confined, according to the configuration of the newest turn. */
  confinement: Confinement | undefined;
  readonly shells = new ShellFinder();
  readonly guard: CommandGuard | undefined;
  readonly #outputDirectory: string;
  readonly #sessions = new Map<string, SessionState>();
  readonly #running = new Map<ShellProcess, string>();
  readonly #jobs = new Map<string, Map<string, Job>>();
  readonly #jobsOfTurns = new WeakMap<AbortSignal, Set<Job>>();
  #isDisposed = false;

  constructor(options: ToolResourcesOptions) {
    this.clock = options.clock;
    this.ids = options.ids;
    this.log = options.log;
    this.#outputDirectory = options.outputDirectory;
    this.host = options.host;
    this.guard = options.guard;
  }

  /** The state of a session. */
  session(sessionId: string): SessionState {
    const known = this.#sessions.get(sessionId) ?? new SessionState();
    this.#sessions.set(sessionId, known);
    return known;
  }

  /** The background jobs of a session, by id. */
  jobs(sessionId: string): ReadonlyMap<string, Job> {
    return this.#jobs.get(sessionId) ?? new Map();
  }

  /** Gives a job to its session. It ends with the session, or when its turn is cancelled. */
  addJob(sessionId: string, job: Job, turn: AbortSignal): void {
    const jobs = this.#jobs.get(sessionId) ?? new Map<string, Job>();
    this.#jobs.set(sessionId, jobs.set(job.id, job));
    // There is one listener for all jobs of a turn, because a turn may begin many.
    const begun = this.#jobsOfTurns.get(turn) ?? this.#watchTurn(turn);
    begun.add(job);
    if (turn.aborted) this.#stopInBackground(job);
  }

  #watchTurn(turn: AbortSignal): Set<Job> {
    const begun = new Set<Job>();
    this.#jobsOfTurns.set(turn, begun);
    const stopAll = () => {
      for (const job of begun) this.#stopInBackground(job);
    };
    turn.addEventListener("abort", stopAll, { once: true });
    return begun;
  }

  /**
   * Ends the background jobs that a turn began, and resolves when nothing of them is left. The turn
   * is recognised by its signal. A cancelled turn has not ended before that (protocol.md section
   * 4).
   */
  async endJobsOf(turn: AbortSignal): Promise<void> {
    const begun = [...(this.#jobsOfTurns.get(turn) ?? [])];
    await Promise.all(begun.map((job) => job.stop()));
  }

  /** Owns a process until nothing of it is left. */
  own(sessionId: string, shell: ShellProcess): void {
    this.#running.set(shell, sessionId);
    const release = () => {
      this.#running.delete(shell);
    };
    shell.ended.then(release, release);
    // It began while everything was being ended, so it must be ended too.
    if (this.#isDisposed) this.#stopInBackground(shell);
  }

  /** The folder for a session's whole outputs; it may not exist yet. */
  outputFolder(sessionId: string): string {
    return join(this.#outputDirectory, outputFolderName(sessionId));
  }

  /**
   * Where a command of a session puts its whole output, in a folder that may not exist yet; and the folder for
   * the file that tells where it ends, which exists. Direct calls: each command waits for them. The second
   * folder is the workspace's: to make one for each session took longer than all other steps of a short command
   * but the start of its shell.
   */
  commandFolders(sessionId: string): { readonly outputs: string; readonly ends: string } {
    const folder = join(this.#outputDirectory, endsFolder);
    // Of a missing file an error is made, which takes longer than the look.
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true) {
      // Only a command can have put something else there.
      if (found !== undefined) unlinkSync(folder);
      makeFolderSync(folder, { mode: 0o700 });
    }
    const root = realpathSync.native(this.#outputDirectory);
    return { ends: join(root, endsFolder), outputs: join(root, outputFolderName(sessionId)) };
  }

  /** The real path of a session's output folder, which `read` may open; undefined if there is none. */
  realOutputFolder(sessionId: string): string | undefined {
    const folder = this.outputFolder(sessionId);
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) return undefined;
    try {
      return realpathSync.native(folder);
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Ends all processes of a session, and forgets the session and its outputs. */
  async forgetSession(sessionId: string): Promise<void> {
    await this.#stopAll((owner) => owner === sessionId);
    this.#sessions.delete(sessionId);
    this.#jobs.delete(sessionId);
    await rm(this.outputFolder(sessionId), { recursive: true, force: true });
    await removeEndFiles(this.#outputDirectory, sessionId);
  }

  /** Ends every process; resolves when all are gone. Nothing may be begun afterwards. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#stopAll(() => true);
    this.#sessions.clear();
    this.#jobs.clear();
  }

  async #stopAll(isMeant: (sessionId: string) => boolean): Promise<void> {
    const meant = [...this.#running].filter(([, owner]) => isMeant(owner));
    await Promise.all(
      meant.map(async ([shell]) => {
        await shell.stop();
        // The caller that began it learns how it ended.
        await shell.ended.catch(() => {});
      }),
    );
  }

  #stopInBackground(shell: { stop(): Promise<void> }): void {
    shell.stop().catch((error: unknown) => {
      this.log.error({ error: messageOf(error) }, "a command could not be ended");
    });
  }
}
