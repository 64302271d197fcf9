import * as z from "zod";
import { declareNotification } from "../declare.js";
import { message } from "../objects/examples.js";
import { sessionEvent } from "../objects/ids.js";
import { Message } from "../objects/message.js";

/** `messageUpdated`, protocol.md section 6. */
export const messageUpdated = declareNotification({
  name: "messageUpdated",
  section: 6,
  summary: "A part of a message ended, or the message finished.",
  params: () => z.object({ ...sessionEvent(), message: Message() }),
  example: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", runId: "r-1", message },
});
