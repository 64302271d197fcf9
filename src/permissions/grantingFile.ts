// Files that grant permissions. Whoever can change them can allow himself the rest: the workspace's
// configuration holds allow rules and commands, git's own files hold hooks and commands.

import { workspaceFileName } from "../config/paths.js";
import type { PermissionNeed } from "./types.js";

/**
 * Whether a tool wants to change a file that grants permissions: the workspace's `turnwire.json`, or
 * a `.git` and what is in it, anywhere. Only an allow rule that names such a file allows it; a
 * pattern that covers it was written with other files in mind.
 */
export function changesGrantingFile({ action, subject }: PermissionNeed): boolean {
  if (action === "read" || subject.kind !== "path") return false;
  const names = subject.value.split(/[/\\]/).map(comparable);
  return names.includes(".git") || (names.length === 1 && names[0] === workspaceFileName);
}

/** A file's name without what some file systems pass over: case, trailing dots, streams, marks. */
function comparable(name: string): string {
  return name
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .replace(/(?<=.):.*$/, "")
    .replace(/[. ]+$/, "")
    .toLowerCase();
}
