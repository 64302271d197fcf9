import * as z from "zod";
import { declareNotification } from "../declare.js";

/** `$/logTrace`, protocol.md section 2. */
export const logTrace = declareNotification({
  name: "$/logTrace",
  section: 2,
  summary: "Tells of a message that the server has taken or sent.",
  params: () =>
    z.object({
      message: z.string(),
      verbose: z
        .string()
        .optional()
        .describe("Its params, its result or its error as text, if `verbose` was asked for."),
    }),
  example: {
    message: "Sending response 'ping - (1)'. Processing request took 2ms",
    verbose: "Result: {}",
  },
});
