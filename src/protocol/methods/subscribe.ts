import * as z from "zod";
import { declareMethod } from "../declare.js";
import { message, session } from "../objects/examples.js";
import { sessionId, workspaceId } from "../objects/ids.js";
import { Message } from "../objects/message.js";
import { Session } from "../objects/session.js";

/** `subscribe`, protocol.md section 2. */
export const subscribe = declareMethod({
  name: "subscribe",
  section: 2,
  summary:
    "The session, and the messages of its running turn, in one step: the next events go on from there. In a daemon the connection gets the events of this session from now on, also if it does not hold the workspace.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId() }),
  result: () =>
    z.object({
      session: Session(),
      messages: z
        .array(Message())
        .describe("The last 200 of the running turn, oldest first; none if no turn runs here."),
      live: z
        .boolean()
        .describe("`false` if another server runs the session: then its events do not come here."),
    }),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: { session, messages: [message], live: true },
  },
});
