import * as z from "zod";
import { lazySchema } from "../declare.js";

/** What a prompt may begin with, behind a `/`. */
export const Command = lazySchema(() =>
  z
    .object({
      name: z.string().describe("A prompt that begins with `/` and this name is the command."),
      description: z.string().describe("What it does, for a person."),
      argumentHint: z.string().optional().describe("What may follow, such as `<file> [language]`."),
      source: z
        .string()
        .describe("Where it is from: `builtIn`; `skill`; `mcp`, a prompt of a tool server."),
    })
    .meta({ id: "Command", description: "What a prompt may begin with, behind a `/`." }),
);
export type Command = z.output<ReturnType<typeof Command>>;
