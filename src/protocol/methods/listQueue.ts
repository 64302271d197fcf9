import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";
import { QueueEntry } from "../objects/queueEntry.js";

/** `listQueue`, protocol.md section 4. */
export const listQueue = declareMethod({
  name: "listQueue",
  section: 4,
  summary: "The queued prompts of a session, in their order, and whether the queue is paused.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => z.object({ entries: z.array(QueueEntry()), paused: z.boolean() }),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: {
      entries: [
        {
          queueId: "que_42",
          runId: "r-2",
          prompt: "Then fix the tests.",
          acceptedAt: "2026-11-01T09:30:02.000Z",
        },
      ],
      paused: false,
    },
  },
});
