import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `pauseQueue`, protocol.md section 4. */
export const pauseQueue = declareMethod({
  name: "pauseQueue",
  section: 4,
  summary: "Holds the queue of a session: what runs goes on, and nothing else begins or joins it.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => z.object({}),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy", "StorageFailed"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: {},
  },
});
