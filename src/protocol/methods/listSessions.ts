import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { page, workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `listSessions`, protocol.md section 3. */
export const listSessions = declareMethod({
  name: "listSessions",
  section: 3,
  summary:
    "The sessions of a workspace, or of every workspace of the data directory, newest first.",
  params: () =>
    z.object({
      workspaceId: workspaceId()
        .optional()
        .describe(
          "If absent, the sessions of every workspace are listed, open or not, each with its `workspacePath`.",
        ),
      ...page(),
    }),
  result: () => z.object({ sessions: z.array(Session()), nextCursor: z.string().optional() }),
  errors: ["WorkspaceNotFound"],
  example: { params: { workspaceId: "ws_1f0c" }, result: { sessions: [session] } },
});
