import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { anyId, ownId, ownTitle, workspaceId } from "../objects/ids.js";
import { RunOptions } from "../objects/runOptions.js";
import { Session } from "../objects/session.js";
import { sessionServers } from "../objects/sessionServer.js";

/** `createSession`, protocol.md section 3. */
export const createSession = declareMethod({
  name: "createSession",
  section: 3,
  summary: "Begins a conversation, or finds the one with the id that the client gives.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: ownId(
        "The client's own id for it: asking again then answers the same session.",
      ).optional(),
      title: ownTitle().optional(),
      parentSessionId: anyId().optional(),
      defaults: RunOptions()
        .optional()
        .describe(
          "Options of every run of this session that does not set its own. A session that exists already keeps its defaults.",
        ),
      mcpServers: sessionServers()
        .optional()
        .describe(
          "Tool servers for only this session. They replace the ones that it had. They are never stored, and end with the session, the workspace or the server.",
        ),
    }),
  result: () => Session(),
  errors: [
    "WorkspaceNotFound",
    "WorkspaceClosing",
    "SessionNotFound",
    "ConfigInvalid",
    "ModelNotConfigured",
    "StorageFailed",
  ],
  example: {
    params: { workspaceId: "ws_1f0c" },
    result: { ...session, title: "", messageCount: 0 },
  },
});
