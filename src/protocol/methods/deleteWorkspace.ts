import * as z from "zod";
import { declareMethod } from "../declare.js";
import { workspaceId } from "../objects/ids.js";

/** `deleteWorkspace`, protocol.md section 3. */
export const deleteWorkspace = declareMethod({
  name: "deleteWorkspace",
  section: 3,
  summary:
    "Closes a workspace. It takes no new runs; running turns are cancelled, and the answer waits for their end. Sessions stay on disk. In a daemon it gives up this connection's hold, and ends no run.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      force: z
        .boolean()
        .optional()
        .describe("In a daemon: closes it for every client, and ends its runs."),
    }),
  result: () =>
    z.object({
      closed: z
        .boolean()
        .optional()
        .describe("In a daemon: whether it is closed, or others hold it or a run is open."),
    }),
  errors: ["WorkspaceNotFound"],
  example: { params: { workspaceId: "ws_1f0c" }, result: {} },
});
