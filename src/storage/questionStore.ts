// Stores open questions that may wait for their client, so that other servers can put them to it
// (protocol.md section 7).

import { ConnectionStore } from "./connectionStore.js";
import { readOr, storedText, storedTime } from "./damage.js";
import type { Database, Row } from "./database.js";
import { type AskedAgain, adoptQuestion, noteSeen } from "./leftQuestions.js";
import { questionsFrom } from "./questionSchema.js";
import type { ServerRegistry } from "./serverRegistry.js";
import type { StoredQuestion } from "./storedQuestion.js";

/** The table of questions. While an older server keeps the file without it, nothing is stored. */
export class QuestionStore {
  readonly #database: Database;
  readonly #registry: Pick<ServerRegistry, "id" | "others" | "isAlive">;
  readonly #connections: ConnectionStore;

  /** `registry` tells which server this is, and which others live. */
  constructor(database: Database, registry: Pick<ServerRegistry, "id" | "others" | "isAlive">) {
    this.#database = database;
    this.#registry = registry;
    this.#connections = new ConnectionStore(database);
  }

  get #isKept(): boolean {
    return this.#database.steps >= questionsFrom;
  }

  /** Whether a client is connected to another server that lives. */
  isElsewhere(clientId: string): boolean {
    return this.#registry
      .others()
      .some(({ id }) => this.#connections.has(id, clientId) && this.#registry.isAlive(id));
  }

  /**
   * Stores a question of a run that this server has, or the present deadline of one that is stored. An
   * answer stays.
   */
  save(question: StoredQuestion): void {
    if (!this.#isKept) return;
    const { permissionId, run, clientId, body, askedAt, expiresAt } = question;
    const { id } = this.#registry;
    this.#database.write(() =>
      this.#database
        .prepare(
          `INSERT INTO questions (permissionId, run, clientId, serverId, body, askedAt, expiresAt)
           SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS
             (SELECT 1 FROM runs WHERE position = ? AND serverId = ? AND state <> 'completed')
           ON CONFLICT (permissionId) DO UPDATE SET expiresAt = excluded.expiresAt
             WHERE questions.serverId = excluded.serverId`,
        )
        .run(permissionId, run, clientId, id, body, askedAt, expiresAt ?? null, run, id),
    );
  }

  /** Notes that this server, which asks a question, lives. */
  seen(permissionId: string, now: number): void {
    noteSeen(this.#database, { permissionId, serverId: this.#registry.id }, now);
  }

  /** See {@link adoptQuestion}. */
  adopt(asked: Omit<AskedAgain, "serverId">): StoredQuestion | undefined {
    return adoptQuestion(this.#database, { ...asked, serverId: this.#registry.id });
  }

  /** Removes a question of this server; returns the answer that another one has stored, as JSON. */
  close(permissionId: string): string | undefined {
    if (!this.#isKept) return undefined;
    return this.#database.write(() => {
      const sql = "DELETE FROM questions WHERE permissionId = ? AND serverId = ? RETURNING answer";
      return storedText(this.#database.prepare(sql).get(permissionId, this.#registry.id)?.answer);
    });
  }

  /** Stores the answer to a question of this server, unless it has one; returns the one that counts. */
  settle(permissionId: string, answer: string): string | undefined {
    if (!this.#isKept) return undefined;
    return this.#database.write(() => {
      const sql =
        "UPDATE questions SET answer = coalesce(answer, ?) WHERE permissionId = ? AND serverId = ? RETURNING answer";
      const row = this.#database.prepare(sql).get(answer, permissionId, this.#registry.id);
      return storedText(row?.answer);
    });
  }

  /** The answer that was stored to a question, as JSON. */
  answer(permissionId: string): string | undefined {
    if (!this.#isKept) return undefined;
    const sql = "SELECT answer FROM questions WHERE permissionId = ?";
    return storedText(this.#database.prepare(sql).get(permissionId)?.answer);
  }

  /**
   * Stores the answer of a client to a question of another server. False if the client has no such
   * question, if that has an answer already, and if its time is over.
   */
  give(permissionId: string, clientId: string, answer: string, now: number): boolean {
    if (!this.#isKept) return false;
    const { changes } = this.#database.write(() =>
      this.#database
        .prepare(
          `UPDATE questions SET answer = ? WHERE permissionId = ? AND clientId = ? AND serverId <> ?
             AND answer IS NULL AND (expiresAt IS NULL OR expiresAt > ?)`,
        )
        .run(answer, permissionId, clientId, this.#registry.id, now),
    );
    return changes === 1;
  }

  /** A client's questions of other servers that have no answer yet, the oldest first. */
  openOf(clientId: string): StoredQuestion[] {
    return this.#open("clientId = ?", clientId);
  }

  /** The questions of other servers whose clients are connected, as those servers know. */
  putByOthers(): StoredQuestion[] {
    return this.#open("expiresAt IS NULL");
  }

  #open(condition: string, ...values: string[]): StoredQuestion[] {
    if (!this.#isKept) return [];
    const sql = `SELECT * FROM questions WHERE serverId <> ? AND answer IS NULL AND ${condition} ORDER BY askedAt, permissionId`;
    // A damaged page hides questions from a list; the servers that ask them have them in memory.
    const rows = readOr(
      () => this.#database.prepare(sql).all(this.#registry.id, ...values),
      (reason) => {
        this.#database.damage.tell({ table: "questions", id: 0, reason });
        return [];
      },
    );
    return rows.map(toQuestion);
  }
}

function toQuestion(row: Row): StoredQuestion {
  return {
    permissionId: String(row.permissionId),
    run: Number(row.run),
    clientId: String(row.clientId),
    body: storedText(row.body) ?? "",
    askedAt: storedTime(row.askedAt),
    expiresAt: typeof row.expiresAt === "number" ? row.expiresAt : undefined,
  };
}
