// The sandbox of one workspace: whether it can be made, and how a program is started in it.
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ChildNotStarted, startChild } from "../../base/childStart.js";
import { defined } from "../../base/defined.js";
import { messageOf } from "../../base/errors.js";
import { isWithin } from "../../base/insideFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import { findProgram } from "../findProgram.js";
import { bubblewrapArguments, sessionVariables } from "./bubblewrap.js";
import type { SandboxPlan, SandboxRequest } from "./plan.js";
import { seatbeltArguments } from "./seatbelt.js";
import {
  foldersBetween,
  guardedIn,
  hiddenFrom,
  realPathOf,
  SandboxImpossible,
  type SandboxPaths,
} from "./surroundings.js";

/** A program as it is started in a sandbox. */
export interface ConfinedProgram {
  readonly file: string;
  readonly args: readonly string[];
  /**
   * Ends the sandbox once nothing of the program is left. Resolves with the changes that it took
   * back.
   */
  release(): Promise<string | undefined>;
}

/** What one program gets beside what every program gets. */
export interface ConfinedOptions {
  readonly cwd: string;
  readonly temporary?: string;
  readonly files?: SandboxPlan["files"];
}

/** How programs are confined. */
export interface Confinement extends SandboxRequest {
  /**
   * Prepares the program in its sandbox.
   * @throws SandboxImpossible if it cannot be confined now.
   */
  confine(
    file: string,
    args: readonly string[],
    options: ConfinedOptions,
  ): Promise<ConfinedProgram>;
}

/** The path inside the sandbox of the file in which a shell leaves its last folder. */
export function innerPathOf(path: string): string {
  // In Seatbelt, paths inside are the same as outside.
  return process.platform === "darwin" ? path : "/run/turnwire-folder";
}

const probeMs = 5_000;

/** Makes the sandboxes of one workspace. */
export class Sandbox {
  readonly #paths: SandboxPaths;
  readonly #searchPath: string | undefined;
  /** The results of probes, by the plan that was probed. */
  readonly #probes = new Map<string, Promise<string | undefined>>();
  /** Folders that were made only so that nobody else can take their names. */
  readonly #made = new Set<string>();
  #running = 0;

  /** @param searchPath the `PATH` on which `bwrap` is looked for. */
  constructor(paths: SandboxPaths, searchPath: string | undefined) {
    this.#paths = paths;
    this.#searchPath = searchPath;
  }

  /**
   * Why the configured sandbox cannot be made here; undefined if it can. A sandbox is really made
   * once to find out, since a system may have the program but forbid what it does.
   */
  whyNot(request: SandboxRequest): Promise<string | undefined> {
    const key = `${request.mode} ${request.network}`;
    const known = this.#probes.get(key) ?? this.#probe(request);
    this.#probes.set(key, known);
    // What is missing now may be installed later.
    void known.then((reason) => reason !== undefined && this.#probes.delete(key));
    return known;
  }

  /** Confines programs as the configuration asks for. */
  confinement(request: SandboxRequest): Confinement {
    return {
      ...request,
      confine: (file, args, options) => this.#confine(request, file, args, options),
    };
  }

  async #confine(
    request: SandboxRequest,
    file: string,
    args: readonly string[],
    options: ConfinedOptions,
  ): Promise<ConfinedProgram> {
    const launcher = await this.#launcher();
    const plan = await this.#plan(request, options);
    this.#running += 1;
    for (const path of plan.absent) this.#made.add(path);
    const hadCommonFolder = await realPathOf(this.#commonFolder);
    let released: Promise<string | undefined> | undefined;
    return {
      file: launcher,
      args: [...argumentsOf(plan), file, ...args],
      release: () => {
        released ??= this.#release(hadCommonFolder !== undefined);
        return released;
      },
    };
  }

  /** A file with which a repository uses the settings of another one. */
  get #commonFolder(): string {
    return join(this.#paths.workspacePath, ".git", "commondir");
  }

  async #release(hadCommonFolder: boolean): Promise<string | undefined> {
    this.#running -= 1;
    if (this.#running === 0) {
      // While another program runs, its sandbox needs them.
      for (const path of this.#made) await rmdir(path).catch(passOver);
      this.#made.clear();
    }
    if (hadCommonFolder || (await realPathOf(this.#commonFolder)) === undefined) return undefined;
    await rm(this.#commonFolder, { recursive: true, force: true });
    return ".git/commondir was removed: it would let another folder's settings run programs";
  }

  async #plan(request: SandboxRequest, options: ConfinedOptions): Promise<SandboxPlan> {
    const { workspacePath } = this.#paths;
    if (workspacePath === "/") throw new SandboxImpossible("the workspace is the whole disk");
    const isWritable = request.mode === "workspace-write";
    const nothing = { pinned: [], protected: [], absent: [] };
    const guarded = isWritable ? await guardedIn(this.#paths) : nothing;
    const hidden = await hiddenFrom(this.#paths);
    const kept = [...guarded.protected, ...guarded.absent, ...Object.values(hidden).flat()];
    // A folder around a protected path could be renamed, and the protected path with it.
    const between = kept
      .filter((path) => isWritable && isWithin(workspacePath, path))
      .flatMap((path) => foldersBetween(workspacePath, path));
    const closed = [...hidden.hiddenFolders, ...guarded.protected];
    const pinned = [...new Set([...guarded.pinned, ...between])].filter(
      (path) => !closed.some((folder) => isWithin(folder, path)),
    );
    return {
      ...guarded,
      ...hidden,
      pinned,
      network: request.network,
      cwd: options.cwd,
      writable: isWritable ? [workspacePath] : [],
      readable: isWritable ? [] : [workspacePath],
      files: options.files ?? [],
      ...defined({ temporary: options.temporary }),
    };
  }

  async #launcher(): Promise<string> {
    if (process.platform === "darwin") return "/usr/bin/sandbox-exec";
    if (process.platform !== "linux") {
      throw new SandboxImpossible("there is none for this operating system");
    }
    // Never a program of that name inside the workspace.
    const found = await findProgram("bwrap", this.#searchPath, this.#paths.workspacePath);
    if (found !== undefined) return found;
    throw new SandboxImpossible("bwrap is not installed; install bubblewrap");
  }

  async #probe(request: SandboxRequest): Promise<string | undefined> {
    try {
      const { workspacePath: cwd } = this.#paths;
      const { file, args, release } = await this.#confine(request, "/bin/sh", ["-c", ":"], { cwd });
      try {
        return await runProbe(file, args);
      } finally {
        await release();
      }
    } catch (error) {
      if (error instanceof SandboxImpossible || error instanceof ChildNotStarted) {
        return error.message;
      }
      if (systemErrorCode(error) === undefined) throw error;
      return messageOf(error);
    }
  }
}

async function runProbe(file: string, args: readonly string[]): Promise<string | undefined> {
  const { execa } = await import("execa");
  const result = await startChild(() =>
    execa(file, [...args], {
      extendEnv: false,
      reject: false,
      timeout: probeMs,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      maxBuffer: 4096,
    }),
  );
  if (!result.failed) return undefined;
  return String(result.stderr).trim() || result.shortMessage || `${file} failed`;
}

function argumentsOf(plan: SandboxPlan): string[] {
  if (process.platform !== "darwin") return bubblewrapArguments(plan);
  const unset = sessionVariables.flatMap((name) => ["-u", name]);
  // Seatbelt changes no variables.
  const temporary = plan.temporary === undefined ? [] : [`TMPDIR=${plan.temporary}`];
  return [...seatbeltArguments(plan), "/usr/bin/env", ...unset, ...temporary];
}

/** A folder that is not empty belongs to somebody by now. One that is gone does not matter. */
function passOver(error: unknown): void {
  if (systemErrorCode(error) === undefined) throw error;
}
