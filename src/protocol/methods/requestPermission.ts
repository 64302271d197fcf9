import * as z from "zod";
import { declareMethod } from "../declare.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";
import { PermissionChoice } from "../objects/permissionChoice.js";

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
      locations: z
        .array(
          z.object({
            path: z.string().describe("Absolute and real."),
            line: z.int().min(1).optional().describe("A line of the file as it is now, from 1 on."),
          }),
        )
        .describe(
          "The places in files that the tool would reach: one for each part of a change. Empty for everything else.",
        ),
      readOnly: z
        .boolean()
        .describe(
          "The action only reads. Of a tool server's tool only what the user's configuration says counts.",
        ),
      choices: z
        .array(PermissionChoice())
        .describe("The decisions that can be offered for this question."),
      input: z.unknown().describe("The tool's input."),
    }),
  result: () =>
    z
      .object({
        decision: PermissionChoice(),
        input: z
          .record(z.string(), z.unknown())
          .optional()
          .describe("Runs instead of the question's input. Only with `allow`."),
        message: z
          .string()
          .optional()
          .describe("The model gets this text if the answer is `deny`."),
      })
      // A changed input was seen once, so it is no answer for anything later.
      .refine(({ decision, input }) => input === undefined || decision === "allow"),
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
      locations: [],
      readOnly: false,
      choices: ["allow", "allowForSession", "allowAlways", "deny"],
      input: { command: "npm test" },
    },
    result: { decision: "allow" },
  },
});
