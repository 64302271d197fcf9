import * as z from "zod";
import { declareMethod } from "../declare.js";
import { changedPath } from "../objects/checkpoint.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `sessionChanges`, protocol.md section 4. */
export const sessionChanges = declareMethod({
  name: "sessionChanges",
  section: 4,
  summary: "What a session's runs have changed in files since a checkpoint, as unified diffs.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      checkpointId: z.string().min(1).optional().describe("The oldest one unless told."),
    }),
  result: () =>
    z.object({
      files: z
        .array(
          z.object({
            path: changedPath(),
            change: z.enum(["created", "modified", "deleted"]),
            added: z.int().nonnegative().describe("Lines; none of a file that is no text."),
            removed: z.int().nonnegative(),
            diff: z
              .string()
              .optional()
              .describe("Absent of a file that is no text, and of what is not kept."),
            diffTruncated: z
              .literal(true)
              .optional()
              .describe("`diff` is cut, or left out: all together they are 1 MiB at most."),
            changedSince: z
              .literal(true)
              .optional()
              .describe("Somebody else has changed it since: the diff shows that too."),
          }),
        )
        .describe("By path; those that are as they were are left out."),
    }),
  errors: ["WorkspaceNotFound", "SessionMissing", "SessionNotFound", "CheckpointNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: {
      files: [
        {
          path: "a.txt",
          change: "modified",
          added: 1,
          removed: 1,
          diff: "--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,1 @@\n-one\n+two\n",
        },
      ],
    },
  },
});
