import * as z from "zod";
import { declareMethod } from "../declare.js";
import { clientTools } from "../objects/clientTool.js";

/** `setTools`, protocol.md section 7. */
export const setTools = declareMethod({
  name: "setTools",
  section: 7,
  summary:
    "Replaces the tools that this connection gives the agent. They are offered to the runs of its client that begin from now on.",
  params: () =>
    z.object({
      tools: clientTools().describe("At most 128, each name once; an empty list takes all back."),
    }),
  result: () => z.object({}),
  example: {
    params: {
      tools: [
        {
          name: "diagnostics",
          description: "The editor's errors and warnings for a file.",
          inputSchema: {
            type: "object",
            properties: { path: { type: "string" } },
            required: ["path"],
          },
          readOnly: true,
        },
      ],
    },
    result: {},
  },
});
