import * as z from "zod";
import { declareMethod } from "../declare.js";
import { sessionId, workspaceId } from "../objects/ids.js";
import { ToolInfo } from "../objects/toolInfo.js";

/** `listTools`, protocol.md section 7. */
export const listTools = declareMethod({
  name: "listTools",
  section: 7,
  summary:
    "The tools that a run of this client can be offered: the built-in tools, those of the tool servers that are ready, and those of the client. This starts the servers, and waits for them as a turn does.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId()
        .optional()
        .describe("Adds the tools of this session's own tool servers."),
    }),
  result: () => z.object({ tools: z.array(ToolInfo()) }),
  errors: [
    "WorkspaceNotFound",
    "SessionNotFound",
    "AgentNotInitialized",
    "WorkspaceClosing",
    "ConfigInvalid",
  ],
  example: {
    params: { workspaceId: "ws_1f0c" },
    result: {
      tools: [
        {
          name: "ls",
          description: "Lists a folder.",
          inputSchema: { type: "object", properties: { path: { type: "string" } } },
          readOnly: true,
          source: "builtIn",
        },
      ],
    },
  },
});
