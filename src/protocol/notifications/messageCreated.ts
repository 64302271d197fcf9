import * as z from "zod";
import { declareNotification } from "../declare.js";
import { message } from "../objects/examples.js";
import { sessionEvent } from "../objects/ids.js";
import { Message } from "../objects/message.js";

/** `messageCreated`, protocol.md section 6. */
export const messageCreated = declareNotification({
  name: "messageCreated",
  section: 6,
  summary: "A message was stored.",
  params: () => z.object({ ...sessionEvent(), message: Message() }),
  example: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", runId: "r-1", message },
});
