// What checks of a session's runs share.

import type { Kit, Workspace } from "../kit.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";

/** A prompt whose run ends only when it is cancelled. */
export const long = "@wait 60000";

/** A small text file that is sent with a prompt. */
export const note = {
  name: "note-of-the-kit.txt",
  mimeType: "text/plain",
  data: Buffer.from("A note.").toString("base64"),
};

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

/**
 * A turn that is held by a question until it is released, however slow the server is; then it plays
 * the rest of its script.
 */
export async function heldTurn(own: Workspace, sessionId: string, rest: string) {
  own.peer.answerers.set(sessionId, () => undefined);
  const isIts = (message: unknown) =>
    isMembers(message) &&
    message.method === "requestPermission" &&
    membersOf(message, "params").sessionId === sessionId;
  const asked = own.peer.waitFor(isIts, "the question");
  asked.catch(() => {});
  const name = `${sessionId.replace(/\W/g, "")}-held.txt`;
  const input = JSON.stringify({ path: name, content: "held" });
  const runId = await own.send(sessionId, `@tool write ${input}\n${rest}`);
  const { id } = (await asked) as Members;
  const result = { decision: "allow" };
  const release = () => own.peer.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
  return { runId, questionId: id, release };
}

/** Resolves when a prompt with this text has joined the session's turn. */
export async function hasJoined(own: Workspace, sessionId: string, text: string): Promise<void> {
  const isIts = (params: Members) =>
    params.sessionId === sessionId && JSON.stringify(params).includes(text);
  await own.peer.notice("messageCreated", isIts, "the message of a prompt that joined");
}
