import * as z from "zod";
import { declareMethod } from "../declare.js";
import { workspace } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { Workspace } from "../objects/workspace.js";

/** `getWorkspace`, protocol.md section 3. */
export const getWorkspace = declareMethod({
  name: "getWorkspace",
  section: 3,
  summary: "One open workspace.",
  params: () => z.object({ workspaceId: workspaceId() }),
  result: () => Workspace(),
  errors: ["WorkspaceNotFound"],
  example: { params: { workspaceId: "ws_1f0c" }, result: workspace },
});
