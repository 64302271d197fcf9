import * as z from "zod";
import { declareMethod } from "../declare.js";
import { changedPath } from "../objects/checkpoint.js";
import { anyId, sessionId, workspaceId } from "../objects/ids.js";

/** `sessionChanges`, protocol.md section 4. */
export const sessionChanges = declareMethod({
  name: "sessionChanges",
  section: 4,
  summary: "The changes of a session's runs to files since a checkpoint, as unified diffs.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      checkpointId: anyId().min(1).optional().describe("The oldest one by default."),
    }),
  result: () =>
    z.object({
      files: z
        .array(
          z.object({
            path: changedPath(),
            change: z.enum(["created", "modified", "deleted"]),
            added: z.int().nonnegative().describe("Lines. 0 for a file that is not text."),
            removed: z.int().nonnegative(),
            diff: z
              .string()
              .optional()
              .describe("Absent for a file that is not text, and for a content that was not kept."),
            diffTruncated: z
              .literal(true)
              .optional()
              .describe("`diff` is cut or left out. All diffs together have at most 1 MiB."),
            changedSince: z
              .literal(true)
              .optional()
              .describe(
                "Somebody else has changed the file since. The diff shows that change too.",
              ),
          }),
        )
        .describe("Sorted by path. Files without a change are left out."),
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
