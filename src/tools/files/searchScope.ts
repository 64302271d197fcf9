// What a search may find: deny rules apply to everything that `ls`, `glob` and `grep` find, not
// only to the path that they are given.
import { relative } from "node:path";
import { isWithin, toSlashes } from "../../base/insideFolder.js";
import { PermissionRefused } from "../../permissions/requirePermission.js";
import type { ToolContext } from "../tool.js";
import type { ReachedPath } from "./paths.js";

/** What a search may show after deny rules. */
export interface SearchScope {
  /** Whether an entry may be shown, and a folder entered. `path` is absolute. */
  mayShow(entry: { readonly path: string; readonly kind: string }): boolean;
}

/**
 * The scope of a search of `tool`, as the rules are now. With `showsContents`, a rule that denies
 * `read` hides a file too.
 */
export async function searchScope(
  { permissions, workspacePath }: ToolContext,
  { tool, showsContents }: { tool: string; showsContents: boolean },
): Promise<SearchScope> {
  const hides = await permissions.hides?.([tool]);
  const hidesContents = showsContents ? await permissions.hides?.(["read"]) : undefined;
  return {
    mayShow({ path, kind }) {
      if (hides === undefined && hidesContents === undefined) return true;
      const way = isWithin(workspacePath, path) ? relative(workspacePath, path) : path;
      const seen = { shown: toSlashes(way) || ".", real: toSlashes(path) };
      return hides?.(seen) !== true && (kind === "folder" || hidesContents?.(seen) !== true);
    },
  };
}

/**
 * Makes sure that no rule denies `read` for a file whose content a tool is about to show or use.
 * Nobody is asked.
 * @throws PermissionRefused if one does.
 */
export async function requireReadable(
  { permissions }: Pick<ToolContext, "permissions">,
  { shown, real }: Pick<ReachedPath, "shown" | "real">,
): Promise<void> {
  if (!(await isDenied({ permissions }, "read", { shown, real }))) return;
  throw new PermissionRefused(`Permission is denied: a rule denies to \`read\` ${shown}.`);
}

/** Whether a rule denies a tool a path. Nobody is asked. */
export async function isDenied(
  { permissions }: Pick<ToolContext, "permissions">,
  tool: string,
  { shown, real }: Pick<ReachedPath, "shown" | "real">,
): Promise<boolean> {
  const hides = await permissions.hides?.([tool]);
  return hides?.({ shown, real: toSlashes(real) }) === true;
}
