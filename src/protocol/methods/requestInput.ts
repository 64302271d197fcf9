import * as z from "zod";
import { declareMethod } from "../declare.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";

/** `requestInput`, protocol.md section 7. */
export const requestInput = declareMethod({
  name: "requestInput",
  section: 7,
  summary:
    "Asks the user a question of a tool server. Sent only to clients that say `capabilities.requestInput` in `initialize`. No handler, an error or a malformed answer means `decline`.",
  direction: "serverToClient",
  params: () =>
    z.object({
      inputId: z.string(),
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      runId: optionalRunId(),
      message: z
        .string()
        .describe("The question, for a person, and the name of the tool server that asks."),
      schema: z
        .record(z.string(), z.unknown())
        .describe(
          "A JSON Schema of the answer: an object of strings, numbers, booleans and choices.",
        ),
    }),
  result: () =>
    z.object({
      action: z
        .enum(["accept", "decline", "cancel"])
        .describe("`accept`: answered. `decline`: refused. `cancel`: no decision."),
      content: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
        .optional()
        .describe("The answer, with `accept`."),
    }),
  errors: [],
  example: {
    params: {
      inputId: "inp_6d2e",
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      runId: "r-1",
      message: 'The tool server "docs" asks: Which edition?',
      schema: { type: "object", properties: { edition: { type: "string" } } },
    },
    result: { action: "accept", content: { edition: "second" } },
  },
});
