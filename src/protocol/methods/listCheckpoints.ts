import * as z from "zod";
import { declareMethod } from "../declare.js";
import { Checkpoint } from "../objects/checkpoint.js";
import { checkpoint } from "../objects/examples.js";
import { page, sessionId, workspaceId } from "../objects/ids.js";

/** `listCheckpoints`, protocol.md section 4. */
export const listCheckpoints = declareMethod({
  name: "listCheckpoints",
  section: 4,
  summary: "The checkpoints of a session, newest first, with the files that were changed.",
  params: () => z.object({ workspaceId: workspaceId(), sessionId: sessionId(), ...page() }),
  result: () => z.object({ checkpoints: z.array(Checkpoint()), nextCursor: z.string().optional() }),
  errors: ["WorkspaceNotFound", "SessionMissing", "SessionNotFound"],
  example: {
    params: { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" },
    result: { checkpoints: [checkpoint] },
  },
});
