import * as z from "zod";
import { declareMethod } from "../declare.js";
import { queueId, sessionId, workspaceId } from "../objects/ids.js";
import { promptText } from "../objects/prompt.js";
import { QueueEntry } from "../objects/queueEntry.js";

/** `editQueued`, protocol.md section 4. */
export const editQueued = declareMethod({
  name: "editQueued",
  section: 4,
  summary: "Replaces the text of a queued prompt. Its attachments and its `runId` stay.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      queueId: queueId(),
      prompt: promptText(),
    }),
  result: () => QueueEntry(),
  errors: [
    "WorkspaceNotFound",
    "SessionNotFound",
    "QueueEntryNotFound",
    "EmptyPrompt",
    "QueueFull",
    "SessionBusy",
    "StorageFailed",
  ],
  example: {
    params: {
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      queueId: "que_42",
      prompt: "Then fix the tests.",
    },
    result: {
      queueId: "que_42",
      runId: "r-2",
      prompt: "Then fix the tests.",
      acceptedAt: "2026-11-01T09:30:02.000Z",
    },
  },
});
