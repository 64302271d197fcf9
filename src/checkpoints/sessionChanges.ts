// The changes of a session's runs to files (protocol.md section 4, Taking back), as diffs between the
// kept contents and the present files, as the asking client's editor has them.
import { setImmediate } from "node:timers/promises";
import { defined } from "../base/defined.js";
import { systemErrorCode } from "../base/systemError.js";
import { notKept } from "../storage/changedFiles.js";
import type { CheckpointRow } from "../storage/checkpointRow.js";
import { fileDiff } from "../tools/edits/unifiedDiff.js";
import { changedLines, textOf } from "./changedLines.js";
import type { CheckpointParts } from "./checkpointParts.js";
import { EditorUnusable } from "./conflicts.js";
import { type AskersEditor, EditorView } from "./editorView.js";
import type { PresentFile } from "./presentFile.js";
import { type PathHistory, pathHistories } from "./rewindPlan.js";

/** The most UTF-16 units of all diffs of an answer together. */
const mostDiff = 1024 * 1024;
/** A file with more bytes than this is listed without a diff. */
const largestCompared = 4 * 1024 * 1024;

/** A changed file. */
export interface FileChangeSince {
  /** Absolute. */
  readonly path: string;
  readonly change: "created" | "modified" | "deleted";
  readonly added: number;
  readonly removed: number;
  readonly diff?: string;
  readonly diffTruncated?: true;
  readonly changedSince?: true;
}

/** The changes since a checkpoint, sorted by path. `shown` is the name of a file in its diff. */
export async function sessionChanges(
  parts: Pick<CheckpointParts, "store" | "content">,
  checkpoint: CheckpointRow,
  shown: (path: string) => string,
  editor?: AskersEditor,
): Promise<FileChangeSince[]> {
  const view = new EditorView(editor);
  const changes: FileChangeSince[] = [];
  let room = mostDiff;
  for (const history of pathHistories(parts.store.files.since(checkpoint))) {
    const change = await changeOf(
      { ...parts, view },
      checkpoint.sessionId,
      history,
      shown(history.path),
    );
    if (change === undefined) continue;
    const { diff, ...told } = change;
    const fits = diff === undefined || diff.length <= room;
    if (fits) room -= diff?.length ?? 0;
    changes.push(fits ? change : { ...told, diffTruncated: true });
    await setImmediate();
  }
  return changes;
}

async function changeOf(
  { content, view }: Pick<CheckpointParts, "content"> & { readonly view: EditorView },
  sessionId: string,
  { path, target, left }: PathHistory,
  shown: string,
): Promise<FileChangeSince | undefined> {
  const present = await presentOf(path, view);
  const data = present.kind === "file" ? present.data : undefined;
  const isGone = present.kind === "missing" || present.kind === "other";
  if (present.kind === "file" ? present.hash === target?.hash : isGone && target === undefined) {
    return undefined;
  }
  const isAsLeft = present.kind === "file" ? present.hash === left?.hash : isGone && !left;
  const change = target === undefined ? "created" : isGone ? "deleted" : "modified";
  const told = {
    path,
    change,
    ...defined({ changedSince: isAsLeft ? undefined : truth }),
  } as const;
  const before =
    target === undefined || target.hash === notKept
      ? undefined
      : await content.get(sessionId, target.hash);
  const isKnown = (target === undefined || before !== undefined) && present.kind !== "large";
  if (!isKnown) return { ...told, added: 0, removed: 0 };
  const size = Math.max(before?.length ?? 0, data?.length ?? 0);
  if (size > largestCompared) return { ...told, added: 0, removed: 0, diffTruncated: true };
  const lines = changedLines(before, data);
  const [from, to] = [before && textOf(before), textOf(data ?? new Uint8Array())];
  if ((before !== undefined && from === undefined) || to === undefined)
    return { ...told, ...lines };
  const made = fileDiff(shown, from, to);
  const diffTruncated = made?.isCut ? truth : undefined;
  return { ...told, ...lines, ...defined({ diff: made?.diff, diffTruncated }) };
}

const truth = true as const;

/** A file that cannot be read is listed as gone. */
async function presentOf(path: string, view: EditorView): Promise<PresentFile> {
  try {
    return await view.lookAt(path);
  } catch (error) {
    // What the editor does not tell is told as the disk has it.
    if (error instanceof EditorUnusable) return presentOf(path, new EditorView());
    if (systemErrorCode(error) === undefined) throw error;
    return { kind: "other", reason: "It cannot be read." };
  }
}
