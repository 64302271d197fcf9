import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";
import { RunErrorName } from "../objects/run.js";

/** `agentError`, protocol.md section 6. */
export const agentError = declareNotification({
  name: "agentError",
  section: 6,
  summary: "A run failed.",
  params: () => z.object({ ...sessionEvent(), message: z.string(), name: RunErrorName() }),
  example: {
    workspaceId: "ws_1f0c",
    sessionId: "ses_7a2b",
    runId: "r-1",
    message: "The provider `local` answered 401: check LOCAL_API_KEY.",
    name: "ProviderAuth",
  },
});
