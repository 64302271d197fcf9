import * as z from "zod";
import { declareMethod } from "../declare.js";
import { contextMembers } from "../objects/context.js";
import { completion } from "../objects/examples.js";
import { anyId, sessionId, workspaceId } from "../objects/ids.js";
import { RunComplete, RunState } from "../objects/run.js";
import { RunOptions } from "../objects/runOptions.js";

/** `getRun`, protocol.md section 4. */
export const getRun = declareMethod({
  name: "getRun",
  section: 4,
  summary: "A run, and its completion if it has one. Acknowledged completions are kept for 7 days.",
  params: () => z.object({ workspaceId: workspaceId(), runId: anyId() }),
  result: () =>
    z.object({
      runId: z.string(),
      sessionId: sessionId(),
      state: RunState(),
      steps: z.int().nonnegative().describe("How many model calls have been answered so far."),
      sessionTitle: z
        .string()
        .optional()
        .describe("The session's title. Absent if the session was deleted."),
      ...contextMembers(),
      options: RunOptions()
        .optional()
        .describe(
          "The options of this run: those that were sent, and for the rest the session's defaults. `limits` has the bounds of the configuration where they are smaller, or the only ones. Absent if there are none.",
        ),
      completion: RunComplete().optional(),
      forgotten: z
        .literal(true)
        .optional()
        .describe("The run has ended, and its completion is no longer kept."),
    }),
  errors: ["WorkspaceNotFound", "RunNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", runId: "r-1" },
    result: {
      runId: "r-1",
      sessionId: "ses_7a2b",
      state: "completed",
      steps: 1,
      sessionTitle: "Count the lines",
      contextTokens: 17,
      contextWindow: 128000,
      completion,
    },
  },
});
