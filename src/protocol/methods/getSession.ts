import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { sessionId, workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `getSession`, protocol.md section 3. */
export const getSession = declareMethod({
  name: "getSession",
  section: 3,
  summary: "One session.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => Session(),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
  example: { params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" }, result: session },
});
