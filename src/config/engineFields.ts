// The field `engines`: programs that run turns in the place of the built-in engine (docs/engines.md).
import * as z from "zod";
import { processText, variableName } from "../protocol/objects/environment.js";

/** `engines`. `withVariables` is the schema of a text in which variables are filled in. */
export const engines = (withVariables: () => z.ZodString) =>
  z
    .record(
      z
        .string()
        .max(64)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "is made of letters, digits, `.`, `_` and `-`")
        .refine((name) => name !== "turnwire", "the name `turnwire` is the built-in engine's"),
      z.strictObject({
        type: z.literal("acp").describe("What it speaks: the Agent Client Protocol."),
        command: z
          .tuple([processText().min(1, "must not be empty")], processText())
          .describe("The program, looked for on `PATH`, and its arguments."),
        env: z
          .record(
            variableName(),
            withVariables().describe("The variable's value; `$NAME` is read from the environment."),
          )
          .exactOptional()
          .describe(
            "Variables that the program gets in addition to the environment of tools, which has no keys of providers.",
          ),
        mode: z
          .string()
          .min(1)
          .max(200)
          .exactOptional()
          .describe(
            "The agent's own mode in which its turns run. By default the one in which it asks before it acts, if it has such a mode. In another one it may decide by itself, and no permission rule sees what it does.",
          ),
      }),
    )
    .exactOptional()
    .describe(
      "Agents that can run a workspace's turns (`createWorkspace.engine`), by a name of your choice. Only the user's own file sets it.",
    );
