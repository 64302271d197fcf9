import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * How many symbolic links are followed through files that do not exist; Linux has the same limit.
 */
const maxLinks = 40;

/**
 * Where an absolute path leads when every symbolic link is resolved. The path need not exist: its
 * missing part is appended to the part that exists. Undefined if it leads nowhere (a loop, or a
 * folder that may not be read). It is synchronous, because a check must see one state of the disk;
 * it takes some microseconds.
 */
export function leadsTo(path: string, links = 0): string | undefined {
  if (links > maxLinks) return undefined;
  try {
    return realpathSync.native(path);
  } catch {
    // It is missing, or a link to something missing. Then the link's target is what would be made.
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
    // It is no link, or nothing is there.
    return undefined;
  }
}
