import * as z from "zod";
import { declareMethod } from "../declare.js";

/** `stopDaemon`, protocol.md section 2, The daemon. */
export const stopDaemon = declareMethod({
  name: "stopDaemon",
  section: 2,
  summary:
    "Ends a daemon. When it has answered, its socket and its lock are free for another one. Only a daemon has this method.",
  params: () =>
    z.object({
      drain: z
        .boolean()
        .optional()
        .describe(
          "Let the open runs end first: the daemon takes no new connections, no new prompts and no runs of lost servers, and ends when the last run has ended. Without it, running turns are cancelled.",
        ),
    }),
  result: () => z.object({}),
  example: { params: { drain: true }, result: {} },
});
