import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `pauseQueue`, protocol.md section 4. */
export const pauseQueue = declareMethod({
  name: "pauseQueue",
  section: 4,
  summary:
    "Pauses the queue of a session. The running turn goes on; no queued prompt begins or joins it.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => z.object({}),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy", "StorageFailed"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: {},
  },
});
