import * as z from "zod";
import { lazySchema } from "../declare.js";

/** A command. A prompt calls it with `/` and its name. */
export const Command = lazySchema(() =>
  z
    .object({
      name: z.string().describe("A prompt that begins with `/` and this name is the command."),
      description: z.string().describe("What it does, for a person."),
      argumentHint: z.string().optional().describe("What may follow, such as `<file> [language]`."),
      source: z
        .string()
        .describe(
          "The source of the command: `builtIn`, `skill`, `mcp` (a prompt of a tool server), or `engine` (the workspace's engine).",
        ),
    })
    .meta({ id: "Command", description: "A command. A prompt calls it with `/` and its name." }),
);
export type Command = z.output<ReturnType<typeof Command>>;
