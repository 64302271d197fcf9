import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** Symbolic links followed through files that do not exist, as Linux bounds it. */
const maxLinks = 40;

/**
 * Where an absolute path leads, every symbolic link resolved, whether or not anything is there yet:
 * what is missing is put behind the part that exists. Undefined where it leads nowhere (a loop, a
 * folder that may not be looked into). Synchronous, since a check must see one state of the disk; a
 * look takes some microseconds.
 */
export function leadsTo(path: string, links = 0): string | undefined {
  if (links > maxLinks) return undefined;
  try {
    return realpathSync.native(path);
  } catch {
    // Missing, or a link to what is missing: then its target is what would be made.
  }
  const parent = dirname(path);
  if (parent === path) return undefined;
  const realParent = leadsTo(parent, links + 1);
  if (realParent === undefined) return undefined;
  const here = join(realParent, basename(path));
  const target = linkTarget(here);
  return target === undefined ? here : leadsTo(resolve(realParent, target), links + 1);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // No link, or nothing at all.
    return undefined;
  }
}
