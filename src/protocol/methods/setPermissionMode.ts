import * as z from "zod";
import { declareMethod } from "../declare.js";
import { workspaceId } from "../objects/ids.js";
import { PermissionMode } from "../objects/workspace.js";

/** `setPermissionMode`, protocol.md section 4. */
export const setPermissionMode = declareMethod({
  name: "setPermissionMode",
  section: 4,
  summary: "Changes the permission mode. It holds from the next question on.",
  params: () => z.object({ workspaceId: workspaceId(), mode: PermissionMode() }),
  result: () => z.object({}),
  errors: ["WorkspaceNotFound"],
  example: { params: { workspaceId: "ws_1f0c", mode: "allow" }, result: {} },
});
