import type { SessionUpdate } from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { AcpSession } from "./acpSession.js";

/** The commands that a prompt of a session may begin with. */
export async function commandsUpdate(session: AcpSession): Promise<SessionUpdate> {
  const { connection, workspaceId } = session.standing;
  const { commands } = await connection.request("listCommands", {
    workspaceId,
    sessionId: session.id,
  });
  return {
    sessionUpdate: "available_commands_update",
    availableCommands: commands.map(({ name, description, argumentHint }) => ({
      name,
      description,
      ...defined({ input: argumentHint === undefined ? undefined : { hint: argumentHint } }),
    })),
  };
}
