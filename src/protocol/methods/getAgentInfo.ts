import * as z from "zod";
import { declareMethod } from "../declare.js";
import { readyAgent } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { AgentInfo } from "../objects/model.js";

/** `getAgentInfo`, protocol.md section 4. */
export const getAgentInfo = declareMethod({
  name: "getAgentInfo",
  section: 4,
  summary: "The state of the agent.",
  params: () => z.object({ workspaceId: workspaceId() }),
  result: () => AgentInfo(),
  errors: ["WorkspaceNotFound"],
  example: { params: { workspaceId: "ws_1f0c" }, result: readyAgent },
});
