import * as z from "zod";
import { longestWarning } from "../../base/warnings.js";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";

/** `runActivity`, contract section 6. */
export const runActivity = declareNotification({
  name: "runActivity",
  section: 6,
  summary: "What a turn does while no other event reports it. Holds until the run's next event.",
  params: () =>
    z.object({
      ...sessionEvent(),
      kind: z
        .union([
          z.enum(["retrying", "summarizing", "waitingForPermission", "waitingForSlot"]),
          z.string(),
        ])
        .describe("More may be added. A client treats an unknown one as work."),
      attempt: z
        .int()
        .positive()
        .optional()
        .describe("With `retrying`: the number of the next try. The first value is 2."),
      waitMs: z
        .int()
        .nonnegative()
        .optional()
        .describe("With `retrying`: milliseconds until that try."),
      reason: z
        .string()
        .optional()
        .describe(`The reason, for a person; at most ${longestWarning} characters, without keys.`),
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
