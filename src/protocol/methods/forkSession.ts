import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { anyId, ownTitle, sessionId, workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `forkSession`, protocol.md section 4. */
export const forkSession = declareMethod({
  name: "forkSession",
  section: 4,
  summary: "A new session with the history of another, up to a message. Files stay as they are.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      messageId: anyId()
        .min(1)
        .optional()
        .describe("The last message that is copied; the newest by default."),
      title: ownTitle().optional().describe("By default, the title of the copied session."),
    }),
  result: () => Session(),
  errors: [
    "WorkspaceNotFound",
    "WorkspaceClosing",
    "SessionMissing",
    "SessionNotFound",
    "MessageNotFound",
    "SessionBusy",
    "StorageFailed",
  ],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", messageId: "msg_91cc" },
    result: { ...session, id: "ses_88d0", promptTokens: 0, completionTokens: 0 },
  },
});
