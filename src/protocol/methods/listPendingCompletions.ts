import * as z from "zod";
import { declareMethod } from "../declare.js";
import { completion } from "../objects/examples.js";
import { anyId } from "../objects/ids.js";
import { RunComplete } from "../objects/run.js";

/** `listPendingCompletions`, protocol.md section 4. */
export const listPendingCompletions = declareMethod({
  name: "listPendingCompletions",
  section: 4,
  summary:
    "This client's completions that are not yet acknowledged, in the order of `sequence`. A page that has 4 MiB of them ends, and one for which 2,000 of all sessions were looked at: so it may be empty and have a `nextCursor`.",
  params: () =>
    z.object({
      workspaceId: anyId().optional(),
      sessionId: anyId().optional(),
      cursor: anyId().optional().describe("`nextCursor` of the page before."),
    }),
  result: () =>
    z.object({ completions: z.array(RunComplete()), nextCursor: z.string().optional() }),
  errors: [],
  example: { params: {}, result: { completions: [completion] } },
});
