import * as z from "zod";
import { declareNotification } from "../declare.js";
import { session } from "../objects/examples.js";
import { sessionEvent } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `sessionUpdated`, protocol.md section 6. */
export const sessionUpdated = declareNotification({
  name: "sessionUpdated",
  section: 6,
  summary: "A session changed: its title, counts, usage or state.",
  params: () => z.object({ ...sessionEvent(), session: Session() }),
  example: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", session },
});
