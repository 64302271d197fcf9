import type { Tool } from "../tools/tool.js";

/** With more tools than this in all, providers refuse every call of a turn. */
const mostOfferedTools = 128;

/** The tools of a turn, by where they are from. */
export interface ToolSources {
  /** The built-in ones, and those of tool servers, whose names begin with `mcp__`. */
  readonly own: readonly Tool[];
  /** Those that are made for the turn. */
  readonly ofTurn: readonly Tool[];
  /** Those of the client. */
  readonly ofClient: readonly Tool[];
  /** Whether a tool is told to the model in the mode that the turn begins in. */
  isOffered(tool: Tool): boolean;
}

/**
 * The tools that fit into what a provider takes, in their order. The built-in ones and those of the
 * turn are all there; the client's come before those of tool servers.
 *
 * @param leaveOut hears what is left out, in words for a person.
 */
export function fittingTools(
  { own, ofTurn, ofClient, isOffered }: ToolSources,
  leaveOut: (warning: string) => void,
): readonly Tool[] {
  const isServers = ({ name }: Tool) => name.startsWith("mcp__");
  const ofServers = own.filter(isServers);
  const ofTurnNow = ofTurn.filter((tool) => isOffered(tool));
  const room = mostOfferedTools - (own.length - ofServers.length) - ofTurnNow.length;
  const client = ofClient.slice(0, Math.max(0, room));
  const kept = new Set(ofServers.slice(0, Math.max(0, room - client.length)));
  tell(ofClient.length - client.length, "the client", leaveOut);
  tell(ofServers.length - kept.size, "tool servers", leaveOut);
  return [...own.filter((tool) => !isServers(tool) || kept.has(tool)), ...ofTurn, ...client];
}

function tell(count: number, whose: string, leaveOut: (warning: string) => void): void {
  const tools = count === 1 ? "1 tool" : `${count} tools`;
  if (count > 0) leaveOut(`Left out, since a provider takes no more: ${tools} of ${whose}.`);
}
