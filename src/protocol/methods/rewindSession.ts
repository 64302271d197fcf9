import * as z from "zod";
import { declareMethod } from "../declare.js";
import { ConflictReason, changedPath, checkpointOrRun } from "../objects/checkpoint.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `rewindSession`, protocol.md section 4. */
export const rewindSession = declareMethod({
  name: "rewindSession",
  section: 4,
  summary:
    "Takes files and history back to the state before a run. A rewind is a checkpoint too, so it can be taken back.",
  params: () =>
    z
      .object({
        workspaceId: workspaceId(),
        sessionId: sessionId(),
        ...checkpointOrRun(),
        files: z.boolean().default(true).describe("Whether files are taken back."),
        history: z.boolean().default(true).describe("Whether messages are removed."),
        force: z
          .boolean()
          .default(false)
          .describe("Whether to overwrite files that somebody else has changed since."),
        dryRun: z
          .boolean()
          .default(false)
          .describe("If true, the answer says what would be done, and nothing is changed."),
      })
      .refine(({ checkpointId, runId }) => (checkpointId === undefined) !== (runId === undefined), {
        message: "give one of `checkpointId` and `runId`",
        path: ["checkpointId"],
      }),
  result: () =>
    z.object({
      files: z
        .array(
          z.object({
            path: changedPath(),
            change: z
              .enum(["restored", "recreated", "removed"])
              .describe(
                "`recreated`: the file was gone. `removed`: the file did not exist before the run.",
              ),
          }),
        )
        .describe("Sorted by path. Files that already have the wanted content are left out."),
      conflicts: z
        .array(
          z.object({
            path: changedPath(),
            reason: ConflictReason(),
            message: z.string().describe("For a person."),
          }),
        )
        .describe("The files that stay as they are. All others are taken back."),
      messagesRemoved: z.int().nonnegative(),
      messagesRestored: z
        .int()
        .nonnegative()
        .describe("How many messages came back, if a rewind is taken back."),
      checkpointId: z
        .string()
        .optional()
        .describe("The checkpoint that takes this rewind back. Absent if nothing was done."),
      commandsRan: z
        .literal(true)
        .optional()
        .describe("Commands ran in the runs that were taken back. Their changes to files stay."),
    }),
  errors: [
    "WorkspaceNotFound",
    "WorkspaceClosing",
    "SessionMissing",
    "SessionNotFound",
    "CheckpointNotFound",
    "RunNotFound",
    "SessionBusy",
    "StorageFailed",
  ],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", runId: "r-1" },
    result: {
      files: [
        { path: "src/lines.ts", change: "restored" },
        { path: "src/new.ts", change: "removed" },
      ],
      conflicts: [
        {
          path: "README.md",
          reason: "changed",
          message: "It does not hold any more what the run left.",
        },
      ],
      messagesRemoved: 4,
      messagesRestored: 0,
      checkpointId: "chk_20aa",
    },
  },
});
