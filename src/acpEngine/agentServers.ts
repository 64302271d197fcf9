// The tool servers of a workspace and of a session, as an agent's program is told of them.
import { DomainError } from "../base/errors.js";
import type { McpServer } from "../config/types.js";
import type { SessionServers } from "../protocol/objects/sessionServer.js";
import type { AgentAbilities } from "./engineAgent.js";

/** The servers that a run is to have. */
export interface WantedServers {
  /** Those of the configuration, by their names. */
  readonly ofConfig: Readonly<Record<string, McpServer>>;
  /** The session's own; of two with one name, this one counts. */
  readonly ofSession: SessionServers;
}

/** The servers for an agent, and those that it cannot have. */
interface AgentServers {
  readonly told: readonly object[];
  /** The names of servers of the configuration that are left out. */
  readonly leftOut: readonly string[];
}

/**
 * The servers as an agent with these abilities can have them.
 *
 * @throws DomainError `EngineFailed` if the session has one of its own that the agent cannot have.
 */
export function serversFor(
  engine: string,
  { ofConfig, ofSession }: WantedServers,
  { httpServers }: Pick<AgentAbilities, "httpServers">,
): AgentServers {
  const own = new Set(ofSession.map(({ name }) => name));
  const told: object[] = [];
  const leftOut: string[] = [];
  for (const [name, server] of Object.entries(ofConfig)) {
    if (own.has(name)) continue;
    if ("url" in server && !httpServers) leftOut.push(name);
    else told.push(toldOf(name, server));
  }
  for (const { name, command, url, args = [], env = {}, headers = {} } of ofSession) {
    if (command !== undefined) told.push(toldOf(name, { command, args, env }));
    else if (httpServers) told.push(toldOf(name, { url: url ?? "", headers }));
    else {
      const message = `The engine ${engine} takes no tool servers over HTTP; the session has one, ${name} (\`mcpServers\`).`;
      throw new DomainError("EngineFailed", message);
    }
  }
  return { told, leftOut };
}

/** What may hold a key in what the agent is told: it must not appear in an error. */
export function secretsOf({ ofConfig, ofSession }: WantedServers): readonly string[] {
  const values = [...Object.values(ofConfig), ...ofSession].flatMap((server) => [
    ...Object.values(("env" in server && server.env) || {}),
    ...Object.values(("headers" in server && server.headers) || {}),
  ]);
  return values.filter((value) => typeof value === "string");
}

type Told =
  | { readonly command: string; readonly args: readonly string[]; readonly env: Values }
  | { readonly url: string; readonly headers: Values };
type Values = Readonly<Record<string, string>>;

function toldOf(name: string, server: Told): object {
  if ("url" in server) {
    return { type: "http", name, url: server.url, headers: pairs(server.headers) };
  }
  return { name, command: server.command, args: server.args, env: pairs(server.env) };
}

function pairs(values: Values): object[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
