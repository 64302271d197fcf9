import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `deleteSession`, protocol.md section 3. */
export const deleteSession = declareMethod({
  name: "deleteSession",
  section: 3,
  summary:
    "Deletes a session, its messages and its sub-tasks. Not possible while a turn runs. The workspace need not be open if its folder is gone.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => z.object({}),
  errors: ["WorkspaceNotFound", "SessionNotFound", "SessionBusy"],
  example: { params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" }, result: {} },
});
