import * as z from "zod";
import { lazySchema } from "../declare.js";
import { anyId } from "./ids.js";

/** The state of a session before a run, or a rewind, began. */
export const Checkpoint = lazySchema(() =>
  z
    .object({
      checkpointId: z.string(),
      runId: z.string().optional().describe("The run that began there, if it has an id."),
      isRewind: z
        .literal(true)
        .optional()
        .describe(
          "A rewind began there, not a run. Going back to this checkpoint undoes the rewind.",
        ),
      createdAt: z.iso.datetime().describe("RFC 3339, UTC."),
      files: z
        .array(
          z.object({
            path: changedPath(),
            added: z.int().nonnegative().describe("Lines. 0 for a file that is not text."),
            removed: z.int().nonnegative(),
          }),
        )
        .describe("The files that the run, or the rewind, has changed, by path."),
      filesTruncated: z
        .literal(true)
        .optional()
        .describe("There are more than 1,000 files. `sessionChanges` lists all of them."),
      commandsRan: z
        .literal(true)
        .optional()
        .describe("Commands ran. Their changes to files are not in `files`, and are not undone."),
    })
    .meta({
      id: "Checkpoint",
      description: "The state of a session before a run, or a rewind, began.",
    }),
);
export type Checkpoint = z.output<ReturnType<typeof Checkpoint>>;

/** How a changed file is named. */
export const changedPath = () =>
  z.string().describe("A path with `/`: relative to the workspace, or absolute outside it.");

/** Params that name a checkpoint. */
export const checkpointOrRun = () => ({
  checkpointId: anyId().min(1).optional(),
  runId: anyId()
    .min(1)
    .optional()
    .describe("Instead of `checkpointId`: the state before this run."),
});

/** Why a file stays as it is. The list may grow, so a reader accepts any text. */
export const ConflictReason = lazySchema(() =>
  z
    .union([
      z.enum(["changed", "changedByOtherSession", "notAFile", "tooLarge", "notKept", "failed"]),
      z.string(),
    ])
    .meta({
      id: "ConflictReason",
      description:
        "Why a file is left as it is. `changed`: it does not hold what the run left; `changedByOtherSession`; `notAFile`: a folder or a link is there, or the path leads elsewhere; `tooLarge`: what is there now is over 16 MiB and could not be kept; `notKept`: what was there before was, or is lost; `failed`: the system refused. `force` helps against the first two alone.",
    }),
);
