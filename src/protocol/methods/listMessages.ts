import * as z from "zod";
import { declareMethod } from "../declare.js";
import { message } from "../objects/examples.js";
import { page, sessionId, workspaceId } from "../objects/ids.js";
import { Message } from "../objects/message.js";

/** `listMessages`, protocol.md section 3. */
export const listMessages = declareMethod({
  name: "listMessages",
  section: 3,
  summary: "Messages of a session, oldest first. A page that has 4 MiB of them ends.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId(), ...page() }),
  result: () => z.object({ messages: z.array(Message()), nextCursor: z.string().optional() }),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: { messages: [message] },
  },
});
