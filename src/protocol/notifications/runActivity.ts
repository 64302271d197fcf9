import * as z from "zod";
import { longestWarning } from "../../base/warnings.js";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `runActivity`, contract section 6. */
export const runActivity = declareNotification({
  name: "runActivity",
  section: 6,
  summary: "What a turn is busy with where nothing else would be told; holds until its next event.",
  params: () =>
    z.object({
      ...sessionEvent(),
      kind: z
        .union([
          z.enum(["retrying", "summarizing", "waitingForPermission", "waitingForSlot"]),
          z.string(),
        ])
        .describe("More may be added; a client takes one that it does not know for work."),
      attempt: z
        .int()
        .positive()
        .optional()
        .describe("Of `retrying`: the number of the try that comes, 2 at first."),
      waitMs: z
        .int()
        .nonnegative()
        .optional()
        .describe("Of `retrying`: milliseconds until that try."),
      reason: z
        .string()
        .optional()
        .describe(`Why, for a person; at most ${longestWarning} characters, no keys.`),
    }),
  example: {
    workspaceId: "ws_1f0c",
    sessionId: "ses_7a2b",
    runId: "r-1",
    kind: "retrying",
    attempt: 2,
    waitMs: 3000,
    reason: 'The provider "local" limits the rate of requests: it answered 429. Try again later.',
  },
});
