import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `queueChanged`, protocol.md section 6. */
export const queueChanged = declareNotification({
  name: "queueChanged",
  section: 6,
  summary: "The number of prompts queued on a session changed.",
  params: () => z.object({ ...sessionEvent(), count: z.int().nonnegative() }),
  example: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", count: 1 },
});
