import { systemClock } from "../base/clock.js";
import { randomIds } from "../base/ids.js";
import { documentedTools } from "../engine/toolInfos.js";
import { protocolJsonSchema } from "./schema.js";

/** `turnwire schema`: writes the protocol as JSON Schema; gives the exit code. */
export function schemaCommand(write: (text: string) => void): number {
  const tools = documentedTools(systemClock, randomIds);
  write(`${JSON.stringify(protocolJsonSchema(tools), null, 2)}\n`);
  return 0;
}
