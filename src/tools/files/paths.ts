// Where a path really leads, and whether that is inside the workspace. Only real paths are compared:
// a symbolic link counts as what it points to, also when that does not exist yet.
import { lstat, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isWithin, toSlashes } from "../../base/insideFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";

/**
 * How many symbolic links are followed through files that do not exist; Linux has the same limit.
 */
const maxLinks = 40;

/** Where a path leads. */
export interface ReachedPath {
  /** Absolute, every symbolic link resolved. */
  readonly real: string;
  readonly inside: boolean;
  /** The path for rules and people: relative to the workspace with `/`, absolute outside it. */
  readonly shown: string;
}

/**
 * Finds where a path of the model leads. Relative paths begin at the workspace.
 * @throws ToolFailure if no file can be at that path.
 */
export async function reachPath(workspacePath: string, path: string): Promise<ReachedPath> {
  if (path.includes("\0")) throw new ToolFailure("`path` contains a NUL character; remove it.");
  const real = await resolveReal(resolve(workspacePath, path), path);
  const inside = isWithin(workspacePath, real);
  const shown = inside ? toSlashes(relative(workspacePath, real)) || "." : toSlashes(real);
  return { real, inside, shown };
}

async function resolveReal(absolute: string, asked: string, links = 0): Promise<string> {
  if (links > maxLinks) {
    throw new ToolFailure(`\`path\` ${asked} leads through a loop of symbolic links.`);
  }
  try {
    return await realpath(absolute);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOTDIR") {
      throw new ToolFailure(`\`path\` ${asked} leads through a file as if it were a folder.`);
    }
    if (code !== "ENOENT") throw error;
  }
  // The missing path may be a link whose target is missing; then the target counts.
  const parent = dirname(absolute);
  const target = await linkTarget(absolute);
  if (target !== undefined) {
    const realParent = await resolveReal(parent, asked, links + 1);
    return resolveReal(resolve(realParent, target), asked, links + 1);
  }
  if (parent === absolute) return absolute;
  return join(await resolveReal(parent, asked, links), basename(absolute));
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** How an entry of a folder is shown to the model: as a path that every other tool takes. */
export function shownIn(folder: ReachedPath, way: string): string {
  return folder.shown === "." ? way : `${folder.shown.replace(/\/$/, "")}/${way}`;
}
