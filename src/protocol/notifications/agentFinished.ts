import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `agentFinished`, protocol.md section 6. */
export const agentFinished = declareNotification({
  name: "agentFinished",
  section: 6,
  summary: "A turn ended. Its completion follows.",
  params: () => z.object({ ...sessionEvent(), sessionTitle: z.string() }),
  example: {
    workspaceId: "ws_1f0c",
    sessionId: "ses_7a2b",
    runId: "r-1",
    sessionTitle: "Count the lines",
  },
});
