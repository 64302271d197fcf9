import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId, workspaceId } from "../objects/ids.js";
import { SelectedModel } from "../objects/model.js";

/** `getDefaultSmallModel`, protocol.md section 4. */
export const getDefaultSmallModel = declareMethod({
  name: "getDefaultSmallModel",
  section: 4,
  summary: "A provider's own small model. For an unknown provider, the workspace's large model.",
  params: () => z.object({ workspaceId: workspaceId(), providerId: anyId() }),
  result: () => SelectedModel(),
  errors: ["WorkspaceNotFound", "ConfigInvalid", "ModelNotConfigured"],
  example: {
    params: { workspaceId: "ws_1f0c", providerId: "offline" },
    result: { provider: "offline", model: "offline" },
  },
});
