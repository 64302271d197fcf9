// The reasons for which a rewind leaves a file as it is, in words.
import { explainSystemError } from "../base/systemError.js";
import { ToolFailure } from "../tools/failure.js";
import type { Conflict, ConflictReason } from "./rewindPlan.js";

/** An editor has a file and gives no answer about it that can be used. The message is for a person. */
export class EditorUnusable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EditorUnusable";
  }
}

/** A file that stays as it is. */
export function conflict(path: string, reason: ConflictReason, message: string): Conflict {
  return { path, reason, message };
}

/** The disk has not what the editor has, and only that of the editor would be kept. */
export function twoTexts(path: string): Conflict {
  return conflict(
    path,
    "changed",
    "It is open in the editor, and the disk does not hold the same.",
  );
}

/** What is to be restored is not there. */
export function lostContent(path: string): Conflict {
  return conflict(path, "notKept", "What it held before is not kept any more, or is damaged.");
}

/** An error of the system about one file makes that file a conflict. Any other error is a defect. */
export function failed(path: string, error: unknown): Conflict {
  if (error instanceof ToolFailure) return conflict(path, "notAFile", error.message);
  if (error instanceof EditorUnusable) return conflict(path, "failed", error.message);
  const explanation = explainSystemError(error);
  if (explanation === undefined) throw error;
  return conflict(path, "failed", `It could not be changed: ${explanation}.`);
}
