import { accessSync, constants } from "node:fs";
import { access, realpath } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { isWithin } from "../base/insideFolder.js";
import { systemErrorCode } from "../base/systemError.js";

/**
 * Finds a program on a search path (`PATH`). A program inside `notWithin`, a workspace, does not
 * count: the server must not run a workspace's program without being asked.
 */
export async function findProgram(
  name: string,
  searchPath: string | undefined,
  notWithin?: string,
): Promise<string | undefined> {
  const endings = process.platform === "win32" ? [".exe", ".cmd"] : [""];
  for (const folder of (searchPath ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    for (const ending of endings) {
      const path = join(folder, name + ending);
      const real = await executableAt(path);
      if (real === undefined) continue;
      if (notWithin === undefined || !(isWithin(notWithin, real) || isWithin(notWithin, path))) {
        return path;
      }
    }
  }
  return undefined;
}

/** The real path of a program; undefined if there is none that may be run. */
export async function executableAt(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Whether there is something at a path that may be run. A direct call, for a program that is run next. */
export function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}
