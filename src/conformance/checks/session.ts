// What checks of a session's runs share.

import type { Kit, Workspace } from "../kit.js";
import { listOf, textOf } from "../message.js";

/** A prompt whose run ends only when it is cancelled. */
export const long = "@wait 60000";

/** A new session on the connection that checks share. */
export async function ready(
  kit: Kit,
): Promise<{ own: Workspace; sessionId: string; place: object }> {
  const own = await kit.shared();
  const sessionId = await own.session();
  return { own, sessionId, place: { workspaceId: own.id, sessionId } };
}

/** What a session's user and assistant have said. */
export async function saidIn(own: Workspace, sessionId: string): Promise<string[]> {
  const page = await own.peer.result("listMessages", { workspaceId: own.id, sessionId });
  return listOf(page, "messages").map((message) => {
    const texts = listOf(message, "parts").map((part) => textOf(part, "text"));
    return `${textOf(message, "role")}: ${texts.join("")}`;
  });
}
