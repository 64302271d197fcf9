import * as z from "zod";
import { declareMethod } from "../declare.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";

/** `callTool`, protocol.md section 7. */
export const callTool = declareMethod({
  name: "callTool",
  section: 7,
  summary:
    "Calls a tool of the client (`setTools`). Sent once for each call; withdrawn by `$/cancelRequest`. An error or a malformed answer becomes an error result for the model.",
  direction: "serverToClient",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      runId: optionalRunId(),
      toolCallId: z.string(),
      name: z.string(),
      input: z
        .record(z.string(), z.unknown())
        .describe("What the model wrote. It was not checked against the tool's schema."),
    }),
  result: () =>
    z.object({
      output: z.string().describe("For the model; cut in the middle where it is very long."),
      isError: z.boolean().optional().describe("Whether the tool failed."),
      diff: z.string().optional().describe("What it changed in a file, as a unified diff."),
    }),
  errors: [],
  example: {
    params: {
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      runId: "r-1",
      toolCallId: "call_1",
      name: "diagnostics",
      input: { path: "src/main.ts" },
    },
    result: { output: "src/main.ts:3:7 error: unused variable" },
  },
});
