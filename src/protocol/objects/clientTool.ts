import * as z from "zod";
import { isNestedDeeper } from "../../base/jsonDepth.js";
import { outputToolName } from "../../base/outputTool.js";
import { lazySchema } from "../declare.js";

/** The most tools that a connection may have. */
const mostTools = 128;
/** The longest input schema, in bytes of its JSON. */
const mostSchemaBytes = 64 * 1024;
/** The deepest nesting of an input schema. */
const deepestSchema = 50;

/** The built-in tools of the agent. A client's tool cannot have one of these names. */
export const builtInToolNames: readonly string[] = [
  "read",
  "ls",
  "glob",
  "grep",
  "bash",
  "write",
  "edit",
  "fetch",
  "todos",
  "jobOutput",
  "jobKill",
  "task",
  "exitPlan",
  "skill",
  outputToolName,
];

/**
 * The names of tool servers' tools begin with this. A client's tool may not, so that a rule about a
 * tool server covers no tool of a client.
 */
const serverToolPrefix = "mcp__";

/** A tool that a client has (protocol.md section 7, Tools of the client). */
export const ClientTool = lazySchema(() =>
  z
    .object({
      name: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, "must be a letter, then at most 63 of A-Za-z0-9_-")
        .refine((name) => !builtInToolNames.includes(name), "is the name of a built-in tool")
        .refine(
          (name) => !name.startsWith(serverToolPrefix),
          "begins as the tools of tool servers do",
        )
        .describe(
          "Its name for the model: none of a built-in tool, and not beginning with `mcp__`.",
        ),
      description: z.string().max(16_384).describe("The text that the model reads."),
      inputSchema: inputSchema(),
      readOnly: z
        .boolean()
        .optional()
        .describe(
          "Whether it changes nothing: then calls of it run side by side, and the modes `deny` and `plan` let it pass; `false` unless told.",
        ),
    })
    .meta({ id: "ClientTool", description: "A tool that a client has." }),
);
export type ClientTool = z.output<ReturnType<typeof ClientTool>>;

/** The tools of one connection. */
export const clientTools = () =>
  z
    .array(ClientTool())
    .max(mostTools)
    .superRefine((tools, context) => {
      const seen = new Set<string>();
      for (const [index, { name }] of tools.entries()) {
        if (seen.has(name)) {
          context.addIssue({ code: "custom", message: "is there twice", path: [index, "name"] });
        }
        seen.add(name);
      }
    });

function inputSchema() {
  return z
    .record(z.string(), z.unknown())
    .superRefine((schema, context) => {
      const problem = problemOf(schema);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    })
    .describe("A JSON Schema of the input: an object, at most 64 KiB and 50 levels deep.");
}

function problemOf(schema: Readonly<Record<string, unknown>>): string | undefined {
  if (isNestedDeeper(schema, deepestSchema))
    return `is nested more than ${deepestSchema} levels deep`;
  const { type, properties } = schema;
  if (type !== undefined && type !== "object") return "must be the schema of an object";
  if (properties !== undefined && !areSchemas(properties)) return "`properties` must hold schemas";
  const bytes = new TextEncoder().encode(JSON.stringify(schema)).length;
  return bytes > mostSchemaBytes ? "is longer than 64 KiB" : undefined;
}

function areSchemas(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.values(value).every((one) => typeof one === "boolean" || isRecord(one));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
