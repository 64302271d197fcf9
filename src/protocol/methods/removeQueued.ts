import * as z from "zod";
import { declareMethod } from "../declare.js";
import { queueId, sessionId, workspaceId } from "../objects/ids.js";

/** `removeQueued`, protocol.md section 4. */
export const removeQueued = declareMethod({
  name: "removeQueued",
  section: 4,
  summary: "Drops one queued prompt. If it has a `runId`, it gets a cancelled completion.",
  params: () =>
    z.object({ workspaceId: workspaceId(), sessionId: sessionId(), queueId: queueId() }),
  result: () => z.object({}),
  errors: [
    "WorkspaceNotFound",
    "SessionNotFound",
    "QueueEntryNotFound",
    "SessionBusy",
    "StorageFailed",
  ],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", queueId: "que_42" },
    result: {},
  },
});
