import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `queuedPrompts`, protocol.md section 4. */
export const queuedPrompts = declareMethod({
  name: "queuedPrompts",
  section: 4,
  summary: "How many prompts are queued on a session.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () => z.object({ count: z.int().nonnegative() }),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
  example: { params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" }, result: { count: 2 } },
});
