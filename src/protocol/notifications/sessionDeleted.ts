import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `sessionDeleted`, protocol.md section 6. */
export const sessionDeleted = declareNotification({
  name: "sessionDeleted",
  section: 6,
  summary: "A session was deleted.",
  params: () => z.object(sessionEvent()),
  example: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
});
