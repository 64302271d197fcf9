import * as z from "zod";
import { declareMethod } from "../declare.js";
import { workspace } from "../objects/examples.js";
import { Workspace } from "../objects/workspace.js";

/** `listWorkspaces`, protocol.md section 3. */
export const listWorkspaces = declareMethod({
  name: "listWorkspaces",
  section: 3,
  summary: "The workspaces that are open in this server.",
  params: () => z.object({}),
  result: () => z.object({ workspaces: z.array(Workspace()) }),
  errors: [],
  example: { params: {}, result: { workspaces: [workspace] } },
});
