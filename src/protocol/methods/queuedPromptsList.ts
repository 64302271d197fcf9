import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `queuedPromptsList`, protocol.md section 4. */
export const queuedPromptsList = declareMethod({
  name: "queuedPromptsList",
  section: 4,
  summary: "The prompts that are queued on a session, oldest first.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () =>
    z.object({
      prompts: z.array(z.string()),
      promptTruncated: z
        .literal(true)
        .optional()
        .describe("The last of `prompts` are cut or empty. All together have at most 4 MiB."),
    }),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: { prompts: ["And the words?", "And the bytes?"] },
  },
});
