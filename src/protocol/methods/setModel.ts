import * as z from "zod";
import { declareMethod } from "../declare.js";
import { readyAgent } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { AgentInfo, SelectedModel } from "../objects/model.js";

/** `setModel`, protocol.md section 4. */
export const setModel = declareMethod({
  name: "setModel",
  section: 4,
  summary:
    "Chooses the large or the small model, until the workspace is closed or `updateAgent` is called.",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      modelType: z.enum(["large", "small"]),
      model: SelectedModel(),
    }),
  result: () => AgentInfo(),
  errors: ["WorkspaceNotFound", "AgentNotInitialized", "ModelNotConfigured", "ConfigInvalid"],
  example: {
    params: {
      workspaceId: "ws_1f0c",
      modelType: "large",
      model: { provider: "offline", model: "offline" },
    },
    result: readyAgent,
  },
});
