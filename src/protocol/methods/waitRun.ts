import * as z from "zod";
import { declareMethod } from "../declare.js";
import { completion } from "../objects/examples.js";
import { anyId, workspaceId } from "../objects/ids.js";
import { RunComplete } from "../objects/run.js";

/** `waitRun`, protocol.md section 4. */
export const waitRun = declareMethod({
  name: "waitRun",
  section: 4,
  summary: "Returns the completion of a run as soon as there is one. This does not acknowledge it.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      runId: anyId(),
      timeoutMs: z.int().min(0).max(3_600_000).optional().describe("60,000 by default."),
    }),
  result: () => z.union([RunComplete(), z.object({ timedOut: z.literal(true) })]),
  errors: ["WorkspaceNotFound", "RunNotFound"],
  example: { params: { workspaceId: "ws_1f0c", runId: "r-1" }, result: completion },
});
