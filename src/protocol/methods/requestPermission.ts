import * as z from "zod";
import { declareMethod } from "../declare.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";

/** `requestPermission`, protocol.md section 7. */
export const requestPermission = declareMethod({
  name: "requestPermission",
  section: 7,
  summary:
    "Asks whether a tool may do something. No handler, an error or a malformed answer is `deny`.",
  direction: "serverToClient",
  params: () =>
    z.object({
      permissionId: z.string(),
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      runId: optionalRunId(),
      toolCallId: z.string(),
      tool: z.string(),
      action: z
        .string()
        .describe(
          "What it does, in a word: `write`, `execute`, `fetch`, `read`; `leavePlan` where a plan is to be accepted.",
        ),
      description: z.string().describe("The same for a person; of `leavePlan`, the plan."),
      path: z.string().optional().describe("The file or folder it reaches."),
      cwd: z
        .string()
        .optional()
        .describe("The real folder that a command runs in; with `bash` alone."),
      diff: z
        .string()
        .optional()
        .describe("What would be applied to the file, as a unified diff; with `write` and `edit`."),
      diffTruncated: z.boolean().optional().describe("Only the beginning of the diff is told."),
      input: z.unknown().describe("The tool's input."),
    }),
  result: () =>
    z.object({
      decision: z.enum(["allow", "allowForSession", "deny"]),
      message: z.string().optional().describe("Told to the model when denied."),
    }),
  errors: [],
  example: {
    params: {
      permissionId: "per_6d2e",
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      runId: "r-1",
      toolCallId: "call_1",
      tool: "bash",
      action: "execute",
      description: "Run: npm test",
      cwd: "/home/ada/engine",
      input: { command: "npm test" },
    },
    result: { decision: "allow" },
  },
});
