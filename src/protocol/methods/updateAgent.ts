import * as z from "zod";
import { declareMethod } from "../declare.js";
import { readyAgent } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { AgentInfo } from "../objects/model.js";

/** `updateAgent`, protocol.md section 4. */
export const updateAgent = declareMethod({
  name: "updateAgent",
  section: 4,
  summary: "Reads the configuration again. Running turns keep the model with which they began.",
  params: () => z.object({ workspaceId: workspaceId() }),
  result: () => AgentInfo(),
  errors: [
    "WorkspaceNotFound",
    "WorkspaceClosing",
    "ConfigInvalid",
    "ModelNotConfigured",
    "EngineFailed",
    "SandboxUnavailable",
  ],
  example: { params: { workspaceId: "ws_1f0c" }, result: readyAgent },
});
