import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `queueChanged`, protocol.md section 6. */
export const queueChanged = declareNotification({
  name: "queueChanged",
  section: 6,
  summary: "The queue of a session changed: its prompts, their order or texts, or its pause.",
  params: () =>
    z.object({
      ...sessionEvent(),
      count: z.int().nonnegative().describe("How many prompts wait."),
      paused: z.boolean(),
    }),
  example: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", count: 1, paused: false },
});
