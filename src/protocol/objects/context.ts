import * as z from "zod";

/** How full a session's context is; members of several objects. */
export const contextMembers = () => ({
  contextTokens: z
    .int()
    .nonnegative()
    .optional()
    .describe(
      "What the session's newest model call held, as its provider told or by estimate; absent before the first, and after a summary until the next.",
    ),
  contextWindow: z
    .int()
    .positive()
    .optional()
    .describe("How many tokens the model of that call takes; absent where that is not known."),
});
