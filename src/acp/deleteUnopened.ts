// Deletes a session that the editor has not open (protocol.md section 14).
import type { Session } from "../protocol/objects/session.js";
import { refused } from "./turnEnd.js";
import { RefusedRequest, type TurnwireConnection } from "./turnwireConnection.js";

/**
 * Stops what runs on a session, and deletes it. One that is not there is as good as deleted.
 *
 * @throws RequestError what the server refuses.
 */
export async function deleteUnopened(
  connection: TurnwireConnection,
  { id: sessionId, workspaceId, workspacePath = "" }: Session,
): Promise<void> {
  try {
    const isOpen = await opened(connection, workspacePath);
    try {
      if (isOpen) await connection.request("cancelSession", { workspaceId, sessionId });
      await connection.request("deleteSession", { workspaceId, sessionId });
    } finally {
      if (isOpen) await connection.request("deleteWorkspace", { workspaceId });
    }
  } catch (error) {
    const isGone = error instanceof RefusedRequest && error.refusal === "SessionNotFound";
    if (!isGone) throw error instanceof RefusedRequest ? refused(error) : error;
  }
}

/** Opens a folder. False if it is gone; its sessions can be deleted without. */
async function opened(connection: TurnwireConnection, path: string): Promise<boolean> {
  try {
    await connection.request("createWorkspace", { path });
    return true;
  } catch (error) {
    if (error instanceof RefusedRequest && error.refusal === "PathNotFound") return false;
    throw error;
  }
}
