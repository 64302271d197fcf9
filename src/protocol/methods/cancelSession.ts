import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `cancelSession`, protocol.md section 4. */
export const cancelSession = declareMethod({
  name: "cancelSession",
  section: 4,
  summary:
    "Stops the running turn of a session, and drops all accepted and queued prompts. It never stops a later prompt.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () =>
    z.object({
      cancelled: z.array(
        z.object({
          runId: z.string().optional(),
          was: z.enum(["running", "queued", "accepted", "waiting"]),
          prompt: z.string().optional().describe("The dropped prompt, if the caller had sent it."),
          promptTruncated: z.literal(true).optional().describe("`prompt` is cut or left out."),
        }),
      ),
      promptTruncated: z
        .literal(true)
        .optional()
        .describe("A prompt is cut or left out. All prompts together have at most 1 MiB."),
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
