import * as z from "zod";
import { declareMethod } from "../declare.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";

/** `requestPermission`, protocol.md section 7. */
export const requestPermission = declareMethod({
  name: "requestPermission",
  section: 7,
  summary:
    "Asks whether a tool may do something. No handler, an error or a malformed answer means `deny`.",
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
          "The kind of action: `write`, `execute`, `fetch` or `read`; `leavePlan` asks the user to accept a plan.",
        ),
      description: z
        .string()
        .describe("The action in words, for a person. With `leavePlan`, the plan."),
      path: z.string().optional().describe("The file or folder that the tool would reach."),
      cwd: z
        .string()
        .optional()
        .describe("The real folder in which a command runs. Only with `bash`."),
      diff: z
        .string()
        .optional()
        .describe("The change to the file, as a unified diff. With `write` and `edit`."),
      diffTruncated: z.boolean().optional().describe("`diff` has only the beginning."),
      input: z.unknown().describe("The tool's input."),
    }),
  result: () =>
    z.object({
      decision: z.enum(["allow", "allowForSession", "deny"]),
      message: z.string().optional().describe("The model gets this text if the answer is `deny`."),
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
