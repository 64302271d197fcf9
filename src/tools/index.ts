// The tools that the agent has by itself. Each is in a file of its own, with the text that the model
// reads beside it.

import { bashTool } from "./bash.js";
import { editTool } from "./edit.js";
import { fetchTool } from "./fetch.js";
import { globTool } from "./glob.js";
import { grepTool } from "./grep.js";
import { jobKillTool } from "./jobKill.js";
import { jobOutputTool } from "./jobOutput.js";
import { lsTool } from "./ls.js";
import { readTool } from "./read.js";
import type { ToolResources } from "./resources.js";
import { todosTool } from "./todos.js";
import type { Tool } from "./tool.js";
import { writeTool } from "./write.js";

export { toolEnvironment } from "../process/environment.js";
export { ToolResources } from "./resources.js";

/** The built-in tools of one workspace, over its resources. */
export function createTools(options: { readonly resources: ToolResources }): readonly Tool[] {
  const { resources } = options;
  return [
    readTool(resources),
    lsTool(),
    globTool(),
    grepTool({ ripgrep: true }),
    bashTool(resources),
    writeTool(resources),
    editTool(resources),
    fetchTool(resources),
    todosTool(),
    jobOutputTool(resources),
    jobKillTool(resources),
  ];
}
