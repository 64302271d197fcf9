import * as z from "zod";
import { declareMethod } from "../declare.js";
import { message } from "../objects/examples.js";
import { anyId, sessionId, workspaceId } from "../objects/ids.js";
import { Message } from "../objects/message.js";

/** `getMessage`, protocol.md section 3. */
export const getMessage = declareMethod({
  name: "getMessage",
  section: 3,
  summary: "One message, with everything that has streamed into it so far.",
  params: () =>
    z.object({ workspaceId: workspaceId(), sessionId: sessionId(), messageId: anyId() }),
  result: () => Message(),
  errors: ["WorkspaceNotFound", "SessionNotFound", "MessageNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", messageId: "msg_91cc" },
    result: message,
  },
});
