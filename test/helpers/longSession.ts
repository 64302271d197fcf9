// A stored session of many or long messages, and what forks it.

import type { Clock } from "../../src/base/clock.js";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { Forking } from "../../src/checkpoints/forking.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { Database } from "../../src/storage/database.js";
import { SessionStore } from "../../src/storage/sessionStore.js";

/** The database of a data directory with a session `s` of the workspace `w`. */
export class LongSession {
  readonly database: Database;
  readonly sessions: SessionStore;
  readonly store: CheckpointStore;
  #messages = 0;

  constructor(file: string) {
    this.database = Database.open(file);
    this.sessions = new SessionStore(this.database);
    this.store = new CheckpointStore(this.database);
    const begin = { workspaceId: "w", parentSessionId: undefined, title: "t", createdAt: 1 };
    this.sessions.insert({ id: "s", ...begin });
  }

  /** Stores messages of so many words. */
  add(messages: number, words: number): void {
    this.database.write(() => {
      const insert = this.database.prepare(
        "INSERT INTO messages (id, sessionId, role, parts, createdAt, updatedAt) VALUES (?, 's', 'user', ?, 1, 1)",
      );
      for (let n = 0; n < messages; n++) {
        const text = `${"word ".repeat(words)}number${++this.#messages}`;
        insert.run(`m_${this.#messages}`, JSON.stringify([{ type: "text", text }]));
      }
    });
  }

  /** One server's forks. The dead servers are those that `living` does not name. */
  forking(serverId: string, clock: Clock = systemClock, living: readonly string[] = []): Forking {
    const isAlive = (id: string) => id === serverId || living.includes(id);
    const registry = { id: serverId, isAlive };
    const { database, store } = this;
    return new Forking({ database, store, registry, clock, log: silentLog });
  }

  /** What a fork of the whole session is asked for with. */
  request(newId: string) {
    const upTo = this.store.messages.last("s");
    return { sessionId: "s", upTo, newId, messageIds: `of_${newId}`, title: undefined };
  }

  /** What is stored for a session. */
  parts(sessionId: string): string[] {
    return this.database
      .prepare("SELECT parts FROM messages WHERE sessionId = ? ORDER BY position")
      .all(sessionId)
      .map(({ parts }) => String(parts));
  }
}
