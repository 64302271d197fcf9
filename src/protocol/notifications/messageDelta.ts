import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `messageDelta`, protocol.md section 6. */
export const messageDelta = declareNotification({
  name: "messageDelta",
  section: 6,
  summary: "Text was added to a part of a message.",
  params: () =>
    z.object({
      ...sessionEvent(),
      messageId: z.string(),
      partIndex: z.int().nonnegative(),
      kind: z.enum(["text", "reasoning", "toolInput", "toolOutput"]),
      offset: z
        .int()
        .nonnegative()
        .describe(
          "How many UTF-16 units of that part come before this delta. If there is a gap, a delta was lost: call `getMessage`.",
        ),
      delta: z.string(),
    }),
  example: {
    workspaceId: "ws_1f0c",
    sessionId: "ses_7a2b",
    runId: "r-1",
    messageId: "msg_91cc",
    partIndex: 0,
    kind: "text",
    offset: 10,
    delta: "42.",
  },
});
