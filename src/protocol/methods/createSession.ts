import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { ownId, ownTitle, workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `createSession`, protocol.md section 3. */
export const createSession = declareMethod({
  name: "createSession",
  section: 3,
  summary: "Begins a conversation, or finds the one that the client's own id names.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: ownId(
        "The client's own id for it: asking again then answers the same session.",
      ).optional(),
      title: ownTitle().optional(),
      parentSessionId: z.string().optional(),
    }),
  result: () => Session(),
  errors: ["WorkspaceNotFound", "WorkspaceClosing", "SessionNotFound", "StorageFailed"],
  example: {
    params: { workspaceId: "ws_1f0c" },
    result: { ...session, title: "", messageCount: 0 },
  },
});
