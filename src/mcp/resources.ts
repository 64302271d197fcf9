// `mcpResources`: lists and reads the resources of tool servers.
import * as z from "zod";
import { cutText } from "../base/text.js";
import { requirePermission } from "../permissions/requirePermission.js";
import { defineTool } from "../tools/defineTool.js";
import { ToolFailure } from "../tools/failure.js";
import type { Tool, ToolContext, ToolResult } from "../tools/tool.js";
import { shownText } from "./fitSchema.js";
import { ListedResource, ListedTemplate } from "./messages.js";
import { resultText } from "./resultText.js";
import type { ServerConnection } from "./serverConnection.js";
import { toolName } from "./toolName.js";

const name = "mcpResources";

const description = `Lists and reads the resources of MCP servers: documents, records and the like that a server offers by URI.
Without \`uri\` it lists what there is, of \`server\` or of all. With \`server\` and \`uri\` it reads one; a template's URI is filled in first.`;

const inputSchema = z.object({
  server: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("The server's id; of all of them if absent."),
  uri: z.string().min(1).max(8_000).optional().describe("The resource to read."),
});

const longestDescription = 300;

/**
 * The tool, for the servers that have resources. In rules, access to the resources of a server
 * `docs` is the tool `mcp__docs__resources`.
 */
export function resourcesTool(
  servers: ReadonlyMap<string, ServerConnection>,
): Tool<z.output<typeof inputSchema>> {
  return defineTool({
    name,
    readOnly: true,
    // No server of it need be one that the user calls read-only.
    inPlan: false,
    description: `${description}\nServers: ${[...servers.keys()].join(", ")}.`,
    inputSchema,
    async execute({ server, uri }, context) {
      const meant =
        server === undefined ? servers : new Map([[server, connectionOf(servers, server)]]);
      if (uri === undefined) return listAll(meant, context);
      const [first, ...others] = meant;
      if (first === undefined || others.length > 0) {
        throw new ToolFailure(`Say which server: ${[...servers.keys()].join(", ")}.`);
      }
      return read(first[0], first[1], uri, context);
    },
  });
}

function connectionOf(
  servers: ReadonlyMap<string, ServerConnection>,
  server: string,
): ServerConnection {
  const connection = servers.get(server);
  if (connection !== undefined) return connection;
  throw new ToolFailure(
    `No MCP server "${server}" has resources. There are: ${[...servers.keys()].join(", ")}.`,
  );
}

async function listAll(
  servers: ReadonlyMap<string, ServerConnection>,
  context: ToolContext,
): Promise<ToolResult> {
  const pieces: string[] = [];
  for (const [server, connection] of servers) {
    await requireServer(server, `List the resources of the tool server "${server}"`, {}, context);
    pieces.push(`${server}:\n${await listOne(connection, context.signal)}`);
  }
  return resultText({ content: [{ type: "text", text: pieces.join("\n\n") }] });
}

async function listOne(connection: ServerConnection, signal: AbortSignal): Promise<string> {
  const resources = await connection.list("resources", ListedResource, signal);
  const templates = await templatesOf(connection, signal);
  const lines = [
    ...resources.map((one) => `- ${one.uri}${wordsOn(one)}`),
    ...templates.map((one) => `- template ${one.uriTemplate}${wordsOn(one)}`),
  ];
  return lines.length === 0 ? "(none)" : lines.join("\n");
}

/** Many servers have no templates, and answer that they do not know the method. */
async function templatesOf(
  connection: ServerConnection,
  signal: AbortSignal,
): Promise<readonly ListedTemplate[]> {
  try {
    return await connection.list("resourceTemplates", ListedTemplate, signal);
  } catch (error) {
    if (error instanceof ToolFailure) return [];
    throw error;
  }
}

function wordsOn(one: Pick<ListedResource, "name" | "title" | "description" | "mimeType">): string {
  const title = shownText(one.title || one.name || "");
  const type = one.mimeType ? ` (${shownText(one.mimeType)})` : "";
  const words = cutText(
    cutText(one.description ?? "", 4_000)
      .replaceAll(/\s+/g, " ")
      .trim(),
    longestDescription,
  );
  return `${title === "" ? "" : ` "${title}"`}${type}${words === "" ? "" : `: ${words}`}`;
}

async function read(
  server: string,
  connection: ServerConnection,
  uri: string,
  context: ToolContext,
): Promise<ToolResult> {
  const shown = shownText(uri);
  await requireServer(server, `Read "${shown}" of the tool server "${server}"`, { uri }, context);
  const answer = await connection.ask("resources/read", { uri }, context.signal);
  const contents = typeof answer === "object" && answer !== null && "contents" in answer;
  if (!contents || !Array.isArray(answer.contents)) {
    throw new ToolFailure('Its answer has no list of "contents".');
  }
  const blocks = answer.contents.map((resource: unknown) => ({ type: "resource", resource }));
  return resultText({ content: blocks });
}

/** Asks for the permission to use a server's resources. Rules on the tool itself apply too. */
async function requireServer(
  server: string,
  description: string,
  more: object,
  context: ToolContext,
): Promise<void> {
  const input = { server, ...more };
  const need = { action: "read", description, input };
  const ownName = toolName(server, "resources");
  const subjectOf = (value: string) => ({ tool: value, subject: { kind: "tool", value } }) as const;
  await requirePermission(context, { ...need, ...subjectOf(name), denyOnly: true });
  await requirePermission(context, { ...need, ...subjectOf(ownName) });
  context.signal.throwIfAborted();
}
