// What a sandbox must know of the machine: which files must not change, and where sockets are that
// lead out of the sandbox.
import { lstat, readFile, realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { isWithin } from "../../base/insideFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import type { SandboxPlan } from "./plan.js";

/** A sandbox cannot be made as it was asked for; the message says why. */
export class SandboxImpossible extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SandboxImpossible";
  }
}

/** The paths that a sandbox is about; all absolute. */
export interface SandboxPaths {
  /** The workspace's real path. */
  readonly workspacePath: string;
  /** The name of the workspace's own configuration. */
  readonly workspaceFile: string;
  readonly dataDirectory: string;
  /** The user's configuration, which may not exist; `folders` hold further files of ours. */
  readonly configuration: {
    readonly files: readonly string[];
    readonly folders: readonly string[];
  };
  readonly home?: string;
}

/** Files of a repository in which git finds programs to run. */
const gitSettings = ["config", "config.worktree", "modules", "worktrees"];

/** Files of a home that run at the next login, or with the next program, without any question. */
const startUpFiles = [
  ".bash_login .bash_logout .bash_profile .bashrc .profile .zlogin .zprofile .zshenv .zshrc",
  ".gitconfig .npmrc .netrc .pam_environment .xinitrc .xprofile .xsessionrc .ssh .gnupg",
  ".config/git .config/fish .config/autostart .config/systemd .config/environment.d .local/bin",
].flatMap((names) => names.split(" "));

type Guarded = Pick<SandboxPlan, "pinned" | "protected" | "absent">;

/** What must not change inside the workspace. @throws SandboxImpossible */
export async function guardedIn(paths: SandboxPaths): Promise<Guarded> {
  const { workspacePath, home, configuration } = paths;
  const guarded = { pinned: [] as string[], protected: [] as string[], absent: [] as string[] };
  await guardRepository(join(workspacePath, ".git"), guarded);
  await guardName(join(workspacePath, paths.workspaceFile), guarded);
  if (home !== undefined && isWithin(workspacePath, home)) {
    for (const name of startUpFiles) {
      const real = await realPathOf(join(home, name));
      if (real !== undefined && isWithin(workspacePath, real)) guarded.protected.push(real);
    }
  }
  for (const folder of configuration.folders) {
    const missing = await firstMissing(folder);
    if (missing !== undefined && isWithin(workspacePath, missing)) guarded.absent.push(missing);
  }
  return guarded;
}

async function guardRepository(path: string, guarded: Mutable<Guarded>): Promise<void> {
  if ((await kindOf(path)) !== "folder" || (await kindOf(join(path, "config"))) !== "file") {
    // No repository, or a file that names one: nothing in it needs to be written.
    return guardName(path, guarded);
  }
  guarded.pinned.push(path);
  for (const name of gitSettings) {
    const kind = await kindOf(join(path, name));
    if (kind !== "none") await guardName(join(path, name), guarded);
  }
  await guardName(join(path, "hooks"), guarded);
}

async function guardName(path: string, guarded: Mutable<Guarded>): Promise<void> {
  switch (await kindOf(path)) {
    case "link":
      throw new SandboxImpossible(
        `${path} is a symbolic link, which a command could replace; put what it leads to in its place`,
      );
    case "none":
      guarded.absent.push(path);
      return;
    default:
      guarded.protected.push(path);
  }
}

/** The paths that must not be seen. */
export async function hiddenFrom(
  paths: SandboxPaths,
): Promise<Pick<SandboxPlan, "hiddenFolders" | "hiddenFiles">> {
  const { workspacePath, dataDirectory, configuration } = paths;
  const hiddenFolders: string[] = [];
  for (const folder of [dataDirectory, ...configuration.folders]) {
    const real = await realPathOf(folder);
    if (real === undefined) continue;
    if (real === workspacePath) {
      throw new SandboxImpossible(`the workspace is ${real}, which holds the server's own files`);
    }
    hiddenFolders.push(real);
  }
  const files = await Promise.all(configuration.files.map(realPathOf));
  const hiddenFiles = [...files.filter((path) => path !== undefined), ...(await listSockets())];
  const isSeen = (path: string) =>
    !isWithin("/proc", path) && !hiddenFolders.some((folder) => isWithin(folder, path));
  const inRun = (path: string) => isWithin("/run", path) || isWithin("/dev", path);
  const inTmp = (path: string) => isWithin("/tmp", path) && !isWithin(workspacePath, path);
  return {
    hiddenFolders,
    hiddenFiles: [...new Set(hiddenFiles)].filter(
      (path) => isSeen(path) && !inRun(path) && !inTmp(path),
    ),
  };
}

/** Every socket that has a path, as the kernel lists them. */
async function listSockets(): Promise<string[]> {
  let text: string;
  try {
    text = await readFile("/proc/net/unix", "utf8");
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
  const paths = text.split("\n").flatMap((line) => {
    // The path is the last of eight columns. A path that begins with `@` is abstract: it is no
    // file.
    const [, path] = /^(?:\S+ +){6}\S+ (\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [path];
  });
  const real = await Promise.all([...new Set(paths)].map(realPathOf));
  return real.filter((path) => path !== undefined);
}

/** The folders between a folder and a path inside it, without those two. */
export function foldersBetween(outer: string, inner: string): string[] {
  const names = relative(outer, inner).split(sep).slice(0, -1);
  return names.map((_, index) => join(outer, ...names.slice(0, index + 1)));
}

/** The first part of a path that does not exist; undefined if all of it exists. */
async function firstMissing(path: string): Promise<string | undefined> {
  if ((await realPathOf(path)) !== undefined) return undefined;
  const above = await realPathOf(dirname(path));
  if (above !== undefined) return join(above, relative(dirname(path), path));
  return firstMissing(dirname(path));
}

type Kind = "none" | "file" | "folder" | "link" | "other";

async function kindOf(path: string): Promise<Kind> {
  try {
    const status = await lstat(path);
    if (status.isSymbolicLink()) return "link";
    if (status.isDirectory()) return "folder";
    return status.isFile() ? "file" : "other";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "none";
    throw error;
  }
}

/** A real path; undefined if it does not exist. */
export async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

type Mutable<T> = { [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] };
