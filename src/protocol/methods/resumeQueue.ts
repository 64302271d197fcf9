import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `resumeQueue`, protocol.md section 4. */
export const resumeQueue = declareMethod({
  name: "resumeQueue",
  section: 4,
  summary: "Ends the pause of a queue. If nothing runs, the queue goes on at once.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => z.object({}),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy", "StorageFailed"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: {},
  },
});
