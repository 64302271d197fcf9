import * as z from "zod";
import { declareMethod } from "../declare.js";
import { ConflictReason, changedPath, checkpointOrRun } from "../objects/checkpoint.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `rewindSession`, protocol.md section 4. */
export const rewindSession = declareMethod({
  name: "rewindSession",
  section: 4,
  summary:
    "Takes files and history back to how they were before a run; itself a checkpoint, so that it can be taken back.",
  params: () =>
    z
      .object({
        workspaceId: workspaceId(),
        sessionId: sessionId(),
        ...checkpointOrRun(),
        files: z.boolean().default(true).describe("Whether files are taken back."),
        history: z.boolean().default(true).describe("Whether messages are taken out."),
        force: z
          .boolean()
          .default(false)
          .describe("Whether files that somebody else has changed since are written over."),
        dryRun: z.boolean().default(false).describe("Whether only to tell what would be done."),
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
              .describe("`recreated`: it was gone. `removed`: it was not there before."),
          }),
        )
        .describe("By path; those that are as they were already are left out."),
      conflicts: z
        .array(
          z.object({
            path: changedPath(),
            reason: ConflictReason(),
            message: z.string().describe("For a person."),
          }),
        )
        .describe("The files that are left as they are; all others are taken back."),
      messagesRemoved: z.int().nonnegative(),
      messagesRestored: z
        .int()
        .nonnegative()
        .describe("Messages that came back, where a rewind is taken back."),
      checkpointId: z
        .string()
        .optional()
        .describe("Takes this rewind back; absent where nothing was done, or would be."),
      commandsRan: z
        .literal(true)
        .optional()
        .describe("Commands ran in what was taken back: what they did to files stays."),
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
