// Fills a data directory with sessions and messages, as a server would have stored them.
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { type ServerPlace, startServer } from "../contestants.js";

/** The file in which a server keeps all that it stores. */
export function fileOf(place: ServerPlace): string {
  return join(place.dataDirectory, "turnwire.db");
}

/** Starts a server once, so that its file and a workspace are there; returns the workspace's id. */
export async function makeUsed(place: ServerPlace): Promise<string> {
  const server = startServer(place);
  await server.greet();
  const { ids } = await server.session();
  await server.end();
  return ids.workspaceId;
}

/** How much is stored. */
export interface Amount {
  readonly sessions: number;
  readonly messagesEach: number;
}

/** Stores sessions and their messages in a workspace. */
export function fillStore(place: ServerPlace, workspaceId: string, amount: Amount): void {
  const { sessions, messagesEach } = amount;
  const database = new DatabaseSync(fileOf(place));
  const session = database.prepare(
    `INSERT INTO sessions (id, workspaceId, title, messageCount, createdAt, updatedAt)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const message = database.prepare(
    `INSERT INTO messages (id, sessionId, role, parts, createdAt, updatedAt)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const parts = JSON.stringify([{ type: "text", text: "Lorem ipsum dolor sit amet. ".repeat(8) }]);
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  for (let index = 0; index < sessions; index++) {
    const at = 1_700_000_000_000 + index;
    const id = storedSessionId(index);
    session.run(id, workspaceId, `session ${index}`, messagesEach, at, at);
    for (let turn = 0; turn < messagesEach; turn++) {
      const role = turn % 2 === 0 ? "user" : "assistant";
      message.run(`msg_stored${index}x${turn}`, id, role, parts, at, at);
    }
  }
  database.exec("COMMIT");
  database.close();
}

/** Stores runs of a session that have ended, without their messages: the floor is to send as much. */
export function fillRuns(place: ServerPlace, workspaceId: string, session: string, count: number) {
  const database = new DatabaseSync(fileOf(place));
  const run = database.prepare(
    `INSERT INTO runs (workspaceId, sessionId, runId, clientId, serverId, kind, promptHash, state, acceptedAt)
     VALUES (?, ?, ?, 'bench', 'gone', 'prompt', '', 'completed', 1)`,
  );
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  for (let index = 0; index < count; index++) run.run(workspaceId, session, `stored-${index}`);
  database.exec("COMMIT");
  database.close();
}

/** The id of a session that {@link fillStore} has stored. */
export function storedSessionId(index: number): string {
  return `ses_stored${index}`;
}
