// The built-in tools in protocol.md: the input of each.
import type { ToolInfo } from "../../src/protocol/objects/toolInfo.js";
import { fieldTable } from "./schemaText.js";

/** The text of the region. */
export function toolsRegion(tools: readonly ToolInfo[]): string {
  return tools
    .map(({ name, readOnly, inputSchema }) => {
      const kind = readOnly ? " It only reads." : "";
      return `**\`${name}\`**: its input.${kind}\n\n${fieldTable(inputSchema)}`;
    })
    .join("\n\n");
}
