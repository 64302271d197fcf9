import * as z from "zod";
import { declareMethod } from "../declare.js";
import { offlineModel } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { ModelInfo } from "../objects/model.js";

/** `listModels`, protocol.md section 4. */
export const listModels = declareMethod({
  name: "listModels",
  section: 4,
  summary: "The models of every configured provider.",
  params: () => z.object({ workspaceId: workspaceId() }),
  result: () => z.object({ models: z.array(ModelInfo()) }),
  errors: ["WorkspaceNotFound", "ConfigInvalid"],
  example: { params: { workspaceId: "ws_1f0c" }, result: { models: [offlineModel] } },
});
