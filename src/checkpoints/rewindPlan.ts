// Which content a file is to have again, and whether it may be given it: pure, from what was noted.
import { type ChangedFileRow, type HeldFile, notKept } from "../storage/changedFiles.js";
import type { PresentFile } from "./presentFile.js";

/** Why a file is left as it is. */
export type ConflictReason =
  /** It does not hold what the run left. */
  | "changed"
  /** A run of another session has changed it since. */
  | "changedByOtherSession"
  /** It is a folder, a link, or lies elsewhere now. */
  | "notAFile"
  /** It is larger than what can be kept, so that taking the rewind back could not bring it back. */
  | "tooLarge"
  /** What it held was too large to be kept, or is not there any more. */
  | "notKept"
  /** The system refused. */
  | "failed";

/** A file that is left as it is. */
export interface Conflict {
  /** Absolute. */
  readonly path: string;
  readonly reason: ConflictReason;
  /** For a person. */
  readonly message: string;
}

/** What became, or is to become, of a file. */
export type RewoundAs = "restored" | "recreated" | "removed";

/** What all that was noted of a file comes to. */
export interface PathHistory {
  readonly path: string;
  /** What it is to hold again. */
  readonly target: HeldFile | undefined;
  /** What the last change left. */
  readonly left: HeldFile | undefined;
  /** Whether somebody else changed it between two of the changes. */
  readonly isBroken: boolean;
  readonly madeFolder: string | undefined;
  /** The number of its first change. */
  readonly firstChange: number;
}

/** Puts changes, oldest first, together by path. */
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

/** What is to be done about a file: nothing where it holds already what it is to hold. */
export type FileVerdict =
  | { readonly kind: "nothing" }
  | { readonly kind: "change"; readonly change: RewoundAs }
  | { readonly kind: "conflict"; readonly reason: ConflictReason; readonly message: string };

/** Judges a file; `otherSession` has changed it behind this session, if one is given. */
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
  // Nothing of anybody's is lost where nothing is.
  if (present.kind === "missing") return undefined;
  const isAsLeft = present.kind === "file" && present.hash === left?.hash;
  if (!isAsLeft) return conflict("changed", "It does not hold any more what the run left.");
  if (isBroken) return conflict("changed", "Somebody else changed it between the run's changes.");
  return undefined;
}

function conflict(reason: ConflictReason, message: string): FileVerdict {
  return { kind: "conflict", reason, message };
}
