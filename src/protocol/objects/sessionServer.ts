import * as z from "zod";
import { processText, variableName } from "./environment.js";

/** A tool server of one session, as its client gives it. */
const sessionServer = () =>
  z
    .object({
      name: z
        .string()
        .max(64)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "is made of letters, digits, `.`, `_` and `-`")
        .describe("The name of the server. Its tools are called `mcp__NAME__TOOL`."),
      command: processText()
        .min(1)
        .optional()
        .describe("The program, which speaks over stdin and stdout. This or `url`."),
      args: z.array(processText()).max(1_000).optional().describe("The program's arguments."),
      env: z
        .record(variableName(), processText())
        .optional()
        .describe("Variables that the program gets in addition to the environment of tools."),
      url: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe("The address of a server that speaks over HTTP. This or `command`."),
      headers: z
        .record(
          z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is no name of a header"),
          z.string().regex(/^[^\0\r\n]*$/, "must be one line"),
        )
        .optional()
        .describe("Sent with every request to `url`."),
    })
    .refine(({ command, url }) => (command === undefined) !== (url === undefined), {
      message: "has either a `command` or a `url`",
    });

/** How many tool servers one session has at most. */
export const mostSessionServers = 32;

/** The tool servers of one session: no two of one name. */
export const sessionServers = () =>
  z
    .array(sessionServer())
    .max(mostSessionServers)
    .refine((all) => new Set(all.map((one) => one.name)).size === all.length, {
      message: "two servers have one name",
    });
export type SessionServers = z.output<ReturnType<typeof sessionServers>>;
