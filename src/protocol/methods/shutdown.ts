import * as z from "zod";
import { declareMethod } from "../declare.js";

/** `shutdown`, protocol.md section 2. */
export const shutdown = declareMethod({
  name: "shutdown",
  section: 2,
  summary:
    "Ends every turn, then answers. Runs that go on after a loss wait for the next server. From its arrival on, other requests get `ServerShuttingDown`.",
  params: () => z.object({}),
  result: () =>
    z.object({
      parked: z
        .array(z.string())
        .optional()
        .describe(
          "The `runId`s of the runs that wait for the next server (`onServerLoss`). Absent if none does.",
        ),
    }),
  errors: [],
  example: { params: {}, result: {} },
});
