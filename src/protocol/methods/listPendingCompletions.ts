import * as z from "zod";
import { declareMethod } from "../declare.js";
import { completion } from "../objects/examples.js";
import { anyId } from "../objects/ids.js";
import { RunComplete } from "../objects/run.js";

/** `listPendingCompletions`, protocol.md section 4. */
export const listPendingCompletions = declareMethod({
  name: "listPendingCompletions",
  section: 4,
  summary: "This client's completions that are not yet acknowledged, in the order of `sequence`.",
  params: () => z.object({ workspaceId: anyId().optional(), sessionId: anyId().optional() }),
  result: () => z.object({ completions: z.array(RunComplete()) }),
  errors: [],
  example: { params: {}, result: { completions: [completion] } },
});
