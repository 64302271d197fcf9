// Files that grant permissions. A program that can change them can allow itself the rest: configurations
// hold allow rules and commands, git's own files hold hooks and commands, and the data directory holds
// what the server remembers.

import { workspaceFileName } from "../base/configFiles.js";
import { toSlashes } from "../base/insideFolder.js";
import { leadsTo } from "../base/leadsTo.js";
import type { PermissionNeed } from "./types.js";

/** The files of this machine that grant permissions: absolute paths, as the server names them. */
export interface GrantingPaths {
  readonly files: readonly string[];
  /** Folders whose whole content counts. */
  readonly folders: readonly string[];
}

/**
 * Whether a tool wants to change a file that grants permissions: the workspace's `turnwire.json`, a
 * `.git` at any depth and everything in it, or one of `paths`. Symbolic links are followed. Only an
 * allow rule that names such a file in full allows it: a pattern that covers it was meant for other
 * files.
 */
export function changesGrantingFile(
  { action, subject, path }: PermissionNeed,
  paths: GrantingPaths,
): boolean {
  if (action === "read" || subject.kind !== "path") return false;
  const names = subject.value.split(/[/\\]/).map(comparable);
  if (names.includes(".git") || (names.length === 1 && names[0] === workspaceFileName)) return true;
  const changed = comparablePath(path ?? subject.value);
  return (
    formsOf(paths.files).some((file) => changed === file) ||
    formsOf(paths.folders).some((folder) => changed === folder || changed.startsWith(`${folder}/`))
  );
}

/** Paths as they are named, and with their links resolved as they are now. */
function formsOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => [path, leadsTo(path) ?? path]).map(comparablePath);
}

function comparablePath(path: string): string {
  return toSlashes(path).split("/").map(comparable).join("/").replace(/\/$/, "");
}

/** A file's name without what some file systems ignore: case, trailing dots, streams, marks. */
function comparable(name: string): string {
  const plain = name.replace(/\p{Default_Ignorable_Code_Point}/gu, "");
  const colon = plain.indexOf(":", 1);
  const withoutStream = colon === -1 ? plain : plain.slice(0, colon);
  let end = withoutStream.length;
  while (end > 0 && (withoutStream[end - 1] === "." || withoutStream[end - 1] === " ")) end--;
  return withoutStream.slice(0, end).toLowerCase();
}
