// The least that a server keeps of turns which neither a crash nor a power cut may lose: the rows that
// protocol.md asks for, in as few statements and commits as they need.
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "@photostructure/sqlite";

type Statement = ReturnType<InstanceType<typeof DatabaseSync>["prepare"]>;

/** An id that nobody can guess. */
export const newId = () => randomBytes(12).toString("base64url");

const schema = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE sessions (id TEXT PRIMARY KEY, count INTEGER, updatedAt INTEGER) STRICT;
  CREATE TABLE runs (position INTEGER PRIMARY KEY, session TEXT, prompt TEXT, state TEXT) STRICT;
  CREATE TABLE messages (position INTEGER PRIMARY KEY, id TEXT UNIQUE, session TEXT, run INTEGER,
    role TEXT, parts TEXT, updatedAt INTEGER) STRICT;
  CREATE INDEX messagesOfSession ON messages (session);
  CREATE TABLE completions (position INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT) STRICT;`;

/** A message of a turn. */
export interface LeastMessage {
  readonly id: string;
  readonly session: string;
  readonly run: number;
  readonly role: string;
  readonly parts: string;
}

/** Writes what a turn has to keep. Works that are durable at the same time share a commit. */
export class LeastStore {
  readonly #database: InstanceType<typeof DatabaseSync>;
  readonly #statements = new Map<string, Statement>();
  #waiting: { write: () => void; written: () => void }[] = [];

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#database.exec(schema);
  }

  /** A session begins. */
  begin(session: string): void {
    this.#run("INSERT INTO sessions VALUES (?, 0, ?)", session, Date.now());
  }

  /** A prompt is accepted: on the disk when this resolves. Returns its run. */
  async accept(message: Omit<LeastMessage, "run">): Promise<number> {
    let run = 0;
    await this.#durable(() => {
      const sql = "INSERT INTO runs (session, prompt, state) VALUES (?, ?, 'running')";
      run = Number(this.#run(sql, message.session, message.parts));
      this.insert({ ...message, run });
    });
    return run;
  }

  /** A message that a client is told of can be read from now on. */
  insert({ id, session, run, role, parts }: LeastMessage): void {
    const values = "(id, session, run, role, parts, updatedAt) VALUES (?, ?, ?, ?, ?, ?)";
    this.#run(`INSERT INTO messages ${values}`, id, session, run, role, parts, Date.now());
    const sql = "UPDATE sessions SET count = count + 1, updatedAt = ? WHERE id = ?";
    this.#run(sql, Date.now(), session);
  }

  /**
   * What a message is now can be read. A run that ends with its server needs no more of the mark of a call
   * that begins: it is not lost with the process.
   */
  update(id: string, parts: string): void {
    this.#run("UPDATE messages SET parts = ?, updatedAt = ? WHERE id = ?", parts, Date.now(), id);
  }

  /** A turn has ended: on the disk when this resolves. */
  async end(last: LeastMessage, completion: { id: string; body: string }): Promise<void> {
    await this.#durable(() => {
      this.update(last.id, last.parts);
      this.#run("UPDATE runs SET state = 'completed' WHERE position = ?", last.run);
      this.#run("UPDATE sessions SET updatedAt = ? WHERE id = ?", Date.now(), last.session);
      const sql = "INSERT INTO completions (id, body) VALUES (?, ?)";
      this.#run(sql, completion.id, completion.body);
    });
  }

  /** The client has a completion. */
  acknowledge(id: string): void {
    this.#run("DELETE FROM completions WHERE id = ?", id);
  }

  #run(sql: string, ...values: (string | number)[]): number | bigint {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement.run(...values).lastInsertRowid;
  }

  #durable(write: () => void): Promise<void> {
    return new Promise((written) => {
      this.#waiting.push({ write, written });
      // Two turns of the event loop, for what other sessions write.
      if (this.#waiting.length === 1) setImmediate(() => setImmediate(() => this.#commit()));
    });
  }

  #commit(): void {
    const works = this.#waiting.splice(0);
    this.#database.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
    for (const { write } of works) write();
    this.#database.exec("COMMIT; PRAGMA synchronous = NORMAL");
    for (const { written } of works) written();
  }
}
