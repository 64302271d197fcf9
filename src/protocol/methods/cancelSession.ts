import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `cancelSession`, protocol.md section 4. */
export const cancelSession = declareMethod({
  name: "cancelSession",
  section: 4,
  summary:
    "Stops the running turn, what is accepted but not yet running, and what is queued on a session; never a later prompt.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () =>
    z.object({
      cancelled: z.array(
        z.object({
          runId: z.string().optional(),
          was: z.enum(["running", "queued", "accepted"]),
          prompt: z
            .string()
            .optional()
            .describe("What waited and never ran, where it is the caller's own."),
          promptTruncated: z.literal(true).optional().describe("`prompt` is cut, or left out."),
        }),
      ),
      promptTruncated: z
        .literal(true)
        .optional()
        .describe("Some prompt is cut or left out: all together they are 1 MiB at most."),
    }),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: {
      cancelled: [
        { runId: "r-1", was: "running" },
        { runId: "r-2", was: "queued", prompt: "Then fix the tests." },
      ],
    },
  },
});
