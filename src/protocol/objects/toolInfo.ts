import * as z from "zod";
import { lazySchema } from "../declare.js";

/** A tool that a run can be offered (protocol.md section 7). */
export const ToolInfo = lazySchema(() =>
  z
    .object({
      name: z.string().describe("Its name for the model, and in rules."),
      description: z.string().describe("The text that the model reads."),
      inputSchema: z.record(z.string(), z.unknown()).describe("The JSON Schema of its input."),
      readOnly: z
        .boolean()
        .describe(
          "It changes nothing and runs no command. A tool server says so of its own tools.",
        ),
      source: z
        .string()
        .describe("Whose it is: `builtIn`, `mcp` (a tool server's) or `client` (a client's)."),
    })
    .meta({ id: "ToolInfo", description: "A tool that a run can be offered." }),
);
export type ToolInfo = z.output<ReturnType<typeof ToolInfo>>;
