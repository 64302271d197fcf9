import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId, sessionId, workspaceId } from "../objects/ids.js";
import { RunState } from "../objects/run.js";

/** `listRuns`, protocol.md section 4. */
export const listRuns = declareMethod({
  name: "listRuns",
  section: 4,
  summary:
    "The runs with a `runId` of every workspace of the data directory, open here or not, newest first.",
  params: () =>
    z.object({
      runId: anyId().optional().describe("Only those of this name."),
      limit: z.int().min(1).max(200).optional().describe("20 by default."),
    }),
  result: () =>
    z.object({
      runs: z.array(
        z.object({
          runId: z.string(),
          workspaceId: workspaceId(),
          workspacePath: z.string().optional().describe("Absent if the folder is not known."),
          sessionId: sessionId(),
          sessionTitle: z.string().optional().describe("Absent if the session was deleted."),
          state: RunState(),
          acceptedAt: z.iso.datetime().describe("RFC 3339, UTC."),
        }),
      ),
    }),
  example: {
    params: {},
    result: {
      runs: [
        {
          runId: "r-1",
          workspaceId: "ws_1f0c",
          workspacePath: "/home/ada/engine",
          sessionId: "ses_7a2b",
          sessionTitle: "Count the lines",
          state: "running",
          acceptedAt: "2026-01-05T09:30:00.000Z",
        },
      ],
    },
  },
});
