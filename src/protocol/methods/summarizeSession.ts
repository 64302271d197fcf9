import * as z from "zod";
import { declareMethod } from "../declare.js";
import { ownId, sessionId, workspaceId } from "../objects/ids.js";

/** `summarizeSession`, protocol.md section 4. */
export const summarizeSession = declareMethod({
  name: "summarizeSession",
  section: 4,
  summary:
    "Summarises a session for the model. Answers when the summary is stored. It is a turn like any other.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      runId: ownId("The client's own id of this run: makes it safe to send again.").optional(),
    }),
  result: () =>
    z.object({
      messageId: z
        .string()
        .optional()
        .describe("The message with the summary. Absent if there was nothing to summarise."),
    }),
  errors: [
    "WorkspaceNotFound",
    "AgentNotInitialized",
    "SessionNotFound",
    "WorkspaceClosing",
    "RunIdConflict",
    "SessionBusy",
    "StorageFailed",
  ],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: { messageId: "msg_b1d0" },
  },
});
