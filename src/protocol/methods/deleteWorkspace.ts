import * as z from "zod";
import { declareMethod } from "../declare.js";
import { workspaceId } from "../objects/ids.js";

/** `deleteWorkspace`, protocol.md section 3. */
export const deleteWorkspace = declareMethod({
  name: "deleteWorkspace",
  section: 3,
  summary:
    "Closes a workspace. It takes no new runs; running turns are cancelled, and the answer waits for their end. Sessions stay on disk.",
  params: () => z.object({ workspaceId: workspaceId() }),
  result: () => z.object({}),
  errors: ["WorkspaceNotFound"],
  example: { params: { workspaceId: "ws_1f0c" }, result: {} },
});
