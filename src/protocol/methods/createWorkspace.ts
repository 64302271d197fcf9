import * as z from "zod";
import { declareMethod } from "../declare.js";
import { processText, variableName } from "../objects/environment.js";
import { readyAgent, workspace } from "../objects/examples.js";
import { anyId } from "../objects/ids.js";
import { PermissionMode, Workspace } from "../objects/workspace.js";

/** `createWorkspace`, protocol.md section 3. */
export const createWorkspace = declareMethod({
  name: "createWorkspace",
  section: 3,
  summary:
    "Opens a folder. For a folder that is open already, the answer describes it as it is; its first options stay.",
  params: () =>
    z.object({
      path: z
        .string()
        .describe("The folder. It is made absolute, and symbolic links are resolved."),
      env: z
        .record(variableName(), processText())
        .optional()
        .describe("Added to the environment of tools and of `$NAME` in the configuration."),
      trusted: z
        .boolean()
        .optional()
        .describe(
          "Whether the folder's own files may set fields that can run code; false by default.",
        ),
      permissionMode: PermissionMode().optional(),
      engine: anyId()
        .min(1)
        .optional()
        .describe(
          "The engine that runs the turns: `turnwire`, the built-in one, or a name of `engines` in the user's configuration. By default the one that the folder is open with, else `turnwire`.",
        ),
      resumable: z
        .boolean()
        .optional()
        .describe(
          "Whether a daemon, and a server that was started with `--resume`, may open the folder by itself to go on with runs (section 4, Going on after a loss). `false` takes it back; absent, it stays as it is.",
        ),
      initAgent: z.boolean().optional().describe("Whether to call `initAgent` too."),
    }),
  result: () => Workspace(),
  errors: [
    "PathRequired",
    "PathNotFound",
    "ModelNotConfigured",
    "ConfigInvalid",
    "SandboxUnavailable",
    "EngineNotFound",
    "EngineConflict",
    "StorageFailed",
  ],
  example: {
    params: { path: "/home/ada/engine", initAgent: true },
    result: { ...workspace, agent: readyAgent },
  },
});
