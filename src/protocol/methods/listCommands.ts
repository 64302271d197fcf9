import * as z from "zod";
import { declareMethod } from "../declare.js";
import { Command } from "../objects/command.js";
import { sessionId, workspaceId } from "../objects/ids.js";

/** `listCommands`, protocol.md section 4. */
export const listCommands = declareMethod({
  name: "listCommands",
  section: 4,
  summary:
    "The commands that a prompt may begin with: the program's own, skills, and the prompts of the tool servers that are ready. This starts the servers, and waits for them as a turn does.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId()
        .optional()
        .describe("Adds the commands of this session's own tool servers."),
    }),
  result: () => z.object({ commands: z.array(Command()) }),
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
      commands: [
        {
          name: "mcp__docs__review",
          description: "Reviews a file.",
          argumentHint: "<file>",
          source: "mcp",
        },
      ],
    },
  },
});
