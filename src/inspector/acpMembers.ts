/**
 * What the Agent Client Protocol, version 1, requires of its messages: which side sends each, and which
 * members its params and its result must have. A test compares this with the protocol's own schema.
 */

/** The kind of a member; undefined where it has a type of its own in the schema. */
export type MemberKind = "string" | "boolean" | "array" | undefined;
export type Members = Readonly<Record<string, MemberKind>>;

/** A method: who implements it, what is sent, and what is answered if it is a request. */
export interface AcpMethod {
  readonly by: "agent" | "client";
  readonly params: Members;
  readonly result?: Members;
}

const session = { sessionId: undefined };
const terminal = { ...session, terminalId: undefined };

export const acpMethods: Readonly<Record<string, AcpMethod>> = {
  initialize: {
    by: "agent",
    params: { protocolVersion: undefined },
    result: { protocolVersion: undefined },
  },
  authenticate: { by: "agent", params: { methodId: undefined }, result: {} },
  logout: { by: "agent", params: {}, result: {} },
  "session/new": { by: "agent", params: { cwd: "string", mcpServers: "array" }, result: session },
  "session/load": {
    by: "agent",
    params: { ...session, cwd: "string", mcpServers: "array" },
    result: {},
  },
  "session/list": { by: "agent", params: {}, result: { sessions: "array" } },
  "session/delete": { by: "agent", params: session, result: {} },
  "session/resume": { by: "agent", params: { ...session, cwd: "string" }, result: {} },
  "session/close": { by: "agent", params: session, result: {} },
  "session/set_mode": { by: "agent", params: { ...session, modeId: undefined }, result: {} },
  "session/set_config_option": {
    by: "agent",
    params: { ...session, configId: undefined },
    result: { configOptions: "array" },
  },
  "session/prompt": {
    by: "agent",
    params: { ...session, prompt: "array" },
    result: { stopReason: undefined },
  },
  "session/cancel": { by: "agent", params: session },
  "session/update": { by: "client", params: { ...session, update: undefined } },
  "session/request_permission": {
    by: "client",
    params: { ...session, toolCall: undefined, options: "array" },
    result: { outcome: undefined },
  },
  "fs/write_text_file": {
    by: "client",
    params: { ...session, path: "string", content: "string" },
    result: {},
  },
  "fs/read_text_file": {
    by: "client",
    params: { ...session, path: "string" },
    result: { content: "string" },
  },
  "terminal/create": {
    by: "client",
    params: { ...session, command: "string" },
    result: { terminalId: undefined },
  },
  "terminal/output": {
    by: "client",
    params: terminal,
    result: { output: "string", truncated: "boolean" },
  },
  "terminal/release": { by: "client", params: terminal, result: {} },
  "terminal/wait_for_exit": { by: "client", params: terminal, result: {} },
  "terminal/kill": { by: "client", params: terminal, result: {} },
  "elicitation/create": { by: "client", params: { message: "string" }, result: {} },
  "elicitation/complete": { by: "client", params: { elicitationId: undefined } },
};

/** Why an object lacks what is required of it; undefined where it does not. */
export function missingIn(members: Members, value: unknown, where: string): string | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject && Object.keys(members).length === 0) return undefined;
  if (!isObject) return `${where} is no object`;
  for (const [name, kind] of Object.entries(members)) {
    const member: unknown = Reflect.get(value, name);
    if (member === undefined) return `${where}.${name} is missing`;
    const found = Array.isArray(member) ? "array" : typeof member;
    if (kind !== undefined && found !== kind)
      return `${where}.${name} must be ${kind}, and is ${found}`;
  }
  return undefined;
}
