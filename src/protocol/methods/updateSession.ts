import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { ownTitle, sessionId, workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `updateSession`, protocol.md section 3. */
export const updateSession = declareMethod({
  name: "updateSession",
  section: 3,
  summary: "Names a session.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId(), title: ownTitle() }),
  result: () => Session(),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", title: "Lines" },
    result: { ...session, title: "Lines" },
  },
});
