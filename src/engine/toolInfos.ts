// The tools as clients are told them (protocol.md section 7, `listTools`).
import { taskDescription } from "../agent/subTask.js";
import { inputSchemaOf } from "../agent/toolDefinitions.js";
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import { silentLog } from "../base/log.js";
import { ProcessHost } from "../process/processHost.js";
import type { ToolInfo } from "../protocol/objects/toolInfo.js";
import { exitPlanDescription } from "../tools/exitPlan.js";
import { createTools, ToolResources } from "../tools/index.js";
import { skillDescription } from "../tools/skill.js";
import type { Tool } from "../tools/tool.js";

type Described = Pick<Tool, "name" | "description" | "inputSchema" | "jsonSchema" | "readOnly">;

/** What clients are told of tools; `source` says whose they are. */
export function toolInfos(tools: readonly Described[], source: ToolInfo["source"]): ToolInfo[] {
  return tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    inputSchema: { ...inputSchemaOf(tool) },
    readOnly: tool.readOnly === true,
    source,
  }));
}

/** The built-in tools: those of a workspace, and those that are made for each turn. */
export function builtInToolInfos(ofWorkspace: readonly Tool[]): ToolInfo[] {
  const ofTurn = [taskDescription, skillDescription, exitPlanDescription];
  return toolInfos([...ofWorkspace, ...ofTurn], "builtIn");
}

/** The same without a workspace, for the documents of the protocol. Nothing of them runs. */
export function documentedTools(clock: Clock, ids: Ids): ToolInfo[] {
  const host = new ProcessHost({ clock, ids, log: silentLog });
  const resources = new ToolResources({ clock, ids, log: silentLog, host, outputDirectory: "" });
  return builtInToolInfos(createTools({ resources }));
}
