import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId, workspaceId } from "../objects/ids.js";

/** `cancelRun`, protocol.md section 4. */
export const cancelRun = declareMethod({
  name: "cancelRun",
  section: 4,
  summary:
    "Stops one run. Other runs are not affected. A run that has joined the turn of another run ends with that turn: then nothing is stopped, and the outcome is `joined`.",
  params: () => z.object({ workspaceId: workspaceId(), runId: anyId() }),
  result: () =>
    z.object({
      outcome: z.enum(["stopping", "cancelledBeforeStart", "joined", "alreadyCompleted"]),
    }),
  errors: ["WorkspaceNotFound", "RunNotFound", "SessionBusy"],
  example: { params: { workspaceId: "ws_1f0c", runId: "r-1" }, result: { outcome: "stopping" } },
});
