import * as z from "zod";
import { declareMethod } from "../declare.js";
import { queueId, sessionId, workspaceId } from "../objects/ids.js";

/** `moveQueued`, protocol.md section 4. */
export const moveQueued = declareMethod({
  name: "moveQueued",
  section: 4,
  summary: "Moves a queued prompt in front of another one, or to the end of the queue.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      queueId: queueId(),
      before: queueId()
        .optional()
        .describe("The entry before which it is put. If absent, it is put last."),
    }),
  result: () => z.object({}),
  errors: [
    "WorkspaceNotFound",
    "SessionNotFound",
    "QueueEntryNotFound",
    "SessionBusy",
    "StorageFailed",
  ],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", queueId: "que_43", before: "que_42" },
    result: {},
  },
});
