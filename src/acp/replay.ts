// Tells an editor all of a session that it opens again (`session/load`).
import { defined } from "../base/defined.js";
import type { Message } from "../protocol/objects/message.js";
import type { RunComplete } from "../protocol/objects/run.js";
import { pendingCompletions } from "../protocol/pendingCompletions.js";
import type { AcpSession } from "./acpSession.js";
import { commandsUpdate } from "./commands.js";
import { metaOf, sentenceOf } from "./turnEnd.js";

/**
 * Tells a session's messages, what is known of it, and how the turns ended whose completions nobody has
 * received. Resolves with the ids of those, which the answer tells.
 */
export async function replay(session: AcpSession): Promise<string[]> {
  const { connection, workspaceId } = session.standing;
  const asked = { workspaceId, sessionId: session.id };
  const feed = session.beginReplay();
  // Asked for first: the messages of a turn that has ended are all there then.
  const completions: RunComplete[] = [];
  const waiting = pendingCompletions(
    (params) => connection.request("listPendingCompletions", params),
    asked,
  );
  for await (const completion of waiting) completions.push(completion);
  for await (const message of messagesOf(session)) await feed.replay(message);
  const facts = await connection.request("getSession", asked);
  if (facts.isBusy) session.goOnFrom(feed);
  await session.facts.session(facts, true);
  if (facts.todos !== undefined) await session.facts.todos(facts.todos, true);
  await session.send(await commandsUpdate(session));
  for (const completion of completions) await tellEnd(session, completion);
  return completions.map(({ completionId }) => completionId);
}

async function* messagesOf(session: AcpSession): AsyncGenerator<Message> {
  const { connection, workspaceId } = session.standing;
  let cursor: string | undefined;
  do {
    const page = await connection.request("listMessages", {
      workspaceId,
      sessionId: session.id,
      limit: 100,
      ...defined({ cursor }),
    });
    yield* page.messages;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** A turn that succeeded has its reply in the messages; every other end is said. */
async function tellEnd(session: AcpSession, completion: RunComplete): Promise<void> {
  const _meta = metaOf(completion);
  if (completion.status === "succeeded") {
    await session.send({ sessionUpdate: "session_info_update", _meta });
    return;
  }
  await session.send({
    sessionUpdate: "agent_message_chunk",
    content: { type: "text", text: sentenceOf(completion) },
    messageId: completion.completionId,
    _meta,
  });
}
