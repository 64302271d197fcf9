import type { PermissionQuestion } from "../../src/protocol/registry.js";

/** A question about a command. */
export function bashQuestion(permissionId: string): PermissionQuestion {
  return {
    permissionId,
    workspaceId: "w",
    sessionId: "s",
    toolCallId: "t",
    tool: "bash",
    action: "execute",
    description: "Run ls",
    locations: [],
    readOnly: false,
    choices: ["allow", "deny"],
    input: {},
  };
}
