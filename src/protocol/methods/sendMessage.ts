import * as z from "zod";
import { declareMethod } from "../declare.js";
import { ownId, sessionId, workspaceId } from "../objects/ids.js";
import { Attachment } from "../objects/message.js";
import { promptText } from "../objects/prompt.js";
import { RunState } from "../objects/run.js";
import { RunOptions } from "../objects/runOptions.js";
import { traceContext } from "../objects/traceContext.js";

/** `sendMessage`, protocol.md section 4. */
export const sendMessage = declareMethod({
  name: "sendMessage",
  section: 4,
  summary: "Accepts a prompt and answers at once. `runComplete` tells the result.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      prompt: promptText(),
      runId: ownId("The client's own id of this run: makes it safe to send again.").optional(),
      attachments: z.array(Attachment()).max(100).optional(),
      options: RunOptions()
        .optional()
        .describe(
          "Options of this run. When a `runId` is sent again, its options are compared too.",
        ),
      ...traceContext(),
    }),
  result: () =>
    z.object({
      runId: z.string().optional(),
      state: RunState(),
      duplicate: z
        .literal(true)
        .optional()
        .describe("This `runId` was accepted before; `state` is its present state."),
    }),
  errors: [
    "WorkspaceNotFound",
    "AgentNotInitialized",
    "EmptyPrompt",
    "SessionMissing",
    "SessionNotFound",
    "RunIdConflict",
    "WorkspaceClosing",
    "ModelNotConfigured",
    "SessionBusy",
    "QueueFull",
    "StorageFailed",
  ],
  example: {
    params: {
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      prompt: "How many lines?",
      runId: "r-1",
    },
    result: { runId: "r-1", state: "accepted" },
  },
});
