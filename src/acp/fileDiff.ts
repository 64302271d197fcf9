// A change of a file as an editor shows it: the text before and after. The server tells changes as
// unified diffs. The whole text comes from the file where the diff fits it; else only the places that
// the diff has are shown.
import { open } from "node:fs/promises";
import type { Diff } from "@agentclientprotocol/sdk";

/** The largest file that is shown whole, in bytes. */
const largestFile = 256 * 1024;

/** Whether the file on the disk is as before the change, or as after it. */
export type FileIs = "before" | "after";

/** The change of `path`. It never fails: what cannot be read is not needed. */
export async function fileDiff(path: string, unified: string, fileIs: FileIs): Promise<Diff> {
  const { applyPatch, parsePatch, reversePatch } = await import("diff");
  const [patch] = safely(() => parsePatch(unified)) ?? [];
  if (patch === undefined || patch.hunks.length === 0) return { path, newText: unified };
  const isNew = patch.hunks.length === 1 && patch.hunks[0]?.oldLines === 0;
  const text = isNew && fileIs === "before" ? "" : await textOf(path);
  if (text !== undefined) {
    const other = safely(() =>
      applyPatch(text, fileIs === "before" ? patch : reversePatch(patch), { fuzzFactor: 0 }),
    );
    if (typeof other === "string") {
      const [oldText, newText] = fileIs === "before" ? [text, other] : [other, text];
      return isNew ? { path, newText } : { path, oldText, newText };
    }
  }
  const side = (left: string) =>
    patch.hunks
      .map(({ lines }) =>
        lines
          .filter((line) => line.startsWith(" ") || line.startsWith(left))
          .map((line) => line.slice(1))
          .join("\n"),
      )
      .join("\n");
  return isNew ? { path, newText: side("+") } : { path, oldText: side("-"), newText: side("+") };
}

/** A text file's content; undefined for everything that is no small text file. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const facts = await file.stat();
      if (!facts.isFile() || facts.size > largestFile) return undefined;
      const text = await file.readFile("utf8");
      return text.includes("\uFFFD") ? undefined : text;
    } finally {
      await file.close();
    }
  } catch {
    // A file that is gone or may not be read: the diff alone is shown.
    return undefined;
  }
}

/** A diff of a tool server may be anything. */
function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
