// The tool servers (MCP) that an editor gives a session, as `createSession` takes them.
import { type McpServer, RequestError } from "@agentclientprotocol/sdk";
import { mostSessionServers, type SessionServers } from "../protocol/objects/sessionServer.js";

/**
 * The servers of a session. They are the user's word, through the editor.
 *
 * @throws RequestError -32602 for a transport that is not spoken, or for too many servers.
 */
export function toolServersOf(servers: readonly McpServer[]): SessionServers {
  if (servers.length > mostSessionServers) {
    throw RequestError.invalidParams(
      undefined,
      `a session has at most ${mostSessionServers} tool servers`,
    );
  }
  const taken = new Set<string>();
  return servers.map((server) => {
    const name = freeName(server.name, taken);
    if ("command" in server) {
      const { command, args, env } = server;
      return { name, command, args, env: recordOf(env) };
    }
    if (server.type === "http") return { name, url: server.url, headers: recordOf(server.headers) };
    throw RequestError.invalidParams(
      undefined,
      `The tool server "${server.name}" speaks "${server.type}"; only stdio and http are spoken here`,
    );
  });
}

/** Editors name servers for people; the names here are part of the names of tools. */
function freeName(name: string, taken: Set<string>): string {
  const plain = name
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]/, "s")
    .slice(0, 56);
  const base = plain === "" ? "server" : plain;
  let free = base;
  for (let number = 2; taken.has(free); number++) free = `${base}-${number}`;
  taken.add(free);
  return free;
}

function recordOf(pairs: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}
