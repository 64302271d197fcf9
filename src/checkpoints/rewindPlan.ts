// Decides from the stored changes which content a file gets back, and whether the rewind may write it. Pure
// functions.
import { type ChangedFileRow, type HeldFile, notKept } from "../storage/changedFiles.js";
import type { PresentFile } from "./presentFile.js";

/** Why a file stays as it is. */
export type ConflictReason =
  /** It no longer has the content that the run left. */
  | "changed"
  /** A run of another session has changed it since. */
  | "changedByOtherSession"
  /** It is a folder or a link, or its path now leads to another place. */
  | "notAFile"
  /** It is too large to be kept, so the rewind could not be taken back. */
  | "tooLarge"
  /** Its old content was too large to be kept, or is gone. */
  | "notKept"
  /** The system refused. */
  | "failed";

/** A file that stays as it is. */
export interface Conflict {
  /** Absolute. */
  readonly path: string;
  readonly reason: ConflictReason;
  /** For a person. */
  readonly message: string;
}

/** What was done, or will be done, with a file. */
export type RewoundAs = "restored" | "recreated" | "removed";

/** The result of all stored changes of a file. */
export interface PathHistory {
  readonly path: string;
  /** The content that it gets back. */
  readonly target: HeldFile | undefined;
  /** The content after the last change. */
  readonly left: HeldFile | undefined;
  /** Whether somebody else changed it between two of the changes. */
  readonly isBroken: boolean;
  readonly madeFolder: string | undefined;
  /** The number of its first change. */
  readonly firstChange: number;
}

/** Merges changes by path. They are given oldest first. */
export function pathHistories(changes: readonly ChangedFileRow[]): PathHistory[] {
  const byPath = new Map<string, PathHistory>();
  for (const change of changes) {
    const known = byPath.get(change.path);
    if (known === undefined) {
      const { path, before, after, isBroken, madeFolder, firstChange } = change;
      byPath.set(path, { path, target: before, left: after, isBroken, madeFolder, firstChange });
      continue;
    }
    const isOther = change.before !== undefined && change.before.hash !== known.left?.hash;
    byPath.set(change.path, {
      ...known,
      left: change.after,
      isBroken: known.isBroken || change.isBroken || isOther,
      madeFolder: known.madeFolder ?? (known.target === undefined ? change.madeFolder : undefined),
    });
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What to do with a file. Nothing if it already has the wanted content. */
export type FileVerdict =
  | { readonly kind: "nothing" }
  | { readonly kind: "change"; readonly change: RewoundAs }
  | { readonly kind: "conflict"; readonly reason: ConflictReason; readonly message: string };

/** Decides about a file. `otherSession`, if given, has changed it after this session. */
export function judge(
  history: PathHistory,
  present: PresentFile,
  { force, otherSession }: { force: boolean; otherSession?: string | undefined },
): FileVerdict {
  const { target } = history;
  if (present.kind === "other") return conflict("notAFile", present.reason);
  if (present.kind === "missing") {
    if (target === undefined) return { kind: "nothing" };
    if (present.blocked !== undefined) return conflict("notAFile", present.blocked);
  }
  if (present.kind === "file" && present.hash === target?.hash) return { kind: "nothing" };
  if (target?.hash === notKept) {
    return conflict("notKept", "What it held before was too large to be kept.");
  }
  const doubt = force ? undefined : doubtOf(history, present, otherSession);
  if (doubt !== undefined) return doubt;
  if (present.kind === "large") {
    return conflict("tooLarge", "What it holds now is too large to be kept.");
  }
  if (target === undefined) return { kind: "change", change: "removed" };
  return { kind: "change", change: present.kind === "missing" ? "recreated" : "restored" };
}

function doubtOf(
  { left, isBroken }: PathHistory,
  present: PresentFile,
  otherSession: string | undefined,
): FileVerdict | undefined {
  if (otherSession !== undefined) {
    return conflict("changedByOtherSession", `The session ${otherSession} has changed it since.`);
  }
  // There is no file, so no content can be lost.
  if (present.kind === "missing") return undefined;
  const isAsLeft = present.kind === "file" && present.hash === left?.hash;
  if (!isAsLeft) return conflict("changed", "It does not hold any more what the run left.");
  if (isBroken) return conflict("changed", "Somebody else changed it between the run's changes.");
  return undefined;
}

function conflict(reason: ConflictReason, message: string): FileVerdict {
  return { kind: "conflict", reason, message };
}

/**
 * Whether a file that is to be removed is another one on the disk than in the editor: only what the editor
 * has would be kept. No editor is asked to delete a file.
 */
export function hasTwoTexts(present: PresentFile, { target, left }: PathHistory): boolean {
  if (target !== undefined || present.kind !== "file" || present.inEditor === undefined)
    return false;
  return ![present.hash, left?.hash].includes(present.inEditor.diskHash);
}
