import * as z from "zod";
import { declareMethod } from "../declare.js";
import { readyAgent } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { AgentInfo } from "../objects/model.js";

/** `initAgent`, protocol.md section 4. */
export const initAgent = declareMethod({
  name: "initAgent",
  section: 4,
  summary: "Reads the configuration and makes the agent ready. A second call changes nothing.",
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
