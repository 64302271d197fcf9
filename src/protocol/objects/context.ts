import * as z from "zod";

/** How full a session's context is; members of several objects. */
export const contextMembers = () => ({
  contextTokens: z
    .int()
    .nonnegative()
    .optional()
    .describe(
      "Tokens of the session's newest model call, as its provider reported them, or an estimate. Absent before the first call, and after a summary until the next call.",
    ),
  contextWindow: z
    .int()
    .positive()
    .optional()
    .describe("How many tokens the model of that call takes. Absent if this is not known."),
});
