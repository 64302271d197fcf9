import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `clearQueue`, protocol.md section 4. */
export const clearQueue = declareMethod({
  name: "clearQueue",
  section: 4,
  summary:
    "Drops all queued prompts of a session. Each dropped `runId` gets a cancelled completion.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () =>
    z.object({
      cleared: z
        .int()
        .nonnegative()
        .describe("How many prompts were dropped, from all clients together."),
      prompts: z
        .array(z.string())
        .describe("The dropped prompts that the caller had sent, in order."),
      promptTruncated: z
        .literal(true)
        .optional()
        .describe(
          "The last of `prompts` is cut, or more are left out. All together have at most 1 MiB.",
        ),
    }),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: { cleared: 2, prompts: ["Then fix the tests.", "And the docs."] },
  },
});
