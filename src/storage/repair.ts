// `turnwire doctor --repair`: rebuilds a damaged database row by row, with a copy made first. It
// refuses while a server lives on the directory, and none can start while it works.
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { databaseName, lockEnding, locksFolder } from "../base/dataFiles.js";
import { DomainError } from "../base/errors.js";
import { forgetIndex } from "./forgetIndex.js";
import { schema } from "./migrations.js";
import { openFile } from "./openFile.js";
import { type SalvageCount, type SalvagedTable, TableSalvage } from "./salvage.js";
import { keepEngineSessions } from "./salvageEngineSessions.js";
import { stepsNote } from "./schemaSteps.js";
import { isHeld } from "./serverLock.js";
import {
  busyCode,
  damagedCode,
  sqliteCodeOf,
  storageError,
  withFileNamed,
} from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** The result of a repair. */
export interface Repair {
  /** Where the damaged file is now; undefined if nothing was damaged and nothing was done. */
  readonly copy: string | undefined;
  readonly tables: readonly SalvageCount[];
}

const ofRun = (column: string) =>
  `SELECT ${column} AS value FROM main.runs WHERE position =
     (SELECT run FROM main.completions INDEXED BY sqlite_autoindex_completions_2
      WHERE run > 0 AND sequence = ?1)`;
const ofOpenRun = (index: string, column: string) =>
  `SELECT ${column} AS value FROM main.runs INDEXED BY ${index}
   WHERE ${column} IS NOT NULL AND state <> 'completed' AND position = ?1`;

const salvaged: readonly SalvagedTable[] = [
  { name: "servers", identity: ["id"] },
  { name: "workspaces", identity: ["id", "path"] },
  { name: "sessions", identity: ["id", "workspaceId"] },
  { name: "messages", identity: ["id", "sessionId"], json: "parts" },
  { name: "attachments", identity: ["messageId", "partIndex"] },
  {
    name: "runs",
    identity: ["workspaceId"],
    // Every completion belonged to a run, so its `runId` counts as used.
    alsoAt: "SELECT run AS id FROM main.completions",
    elsewhere: {
      workspaceId: ["SELECT workspaceId AS value FROM main.completions WHERE run = ?1"],
      runId: ["SELECT json_extract(body, '$.runId') AS value FROM main.completions WHERE run = ?1"],
      sessionId: [
        ofOpenRun("openRunsOfSession", "sessionId"),
        "SELECT sessionId AS value FROM main.completions WHERE run = ?1",
      ],
      serverId: [
        ofOpenRun("openRunsOfServer", "serverId"),
        "SELECT serverId AS value FROM main.completions WHERE run = ?1",
      ],
      clientId: ["SELECT clientId AS value FROM main.completions WHERE run = ?1"],
      // One that is open in an index is ended by the next server; every other one has ended.
      state: [
        `SELECT 'running' AS value FROM main.runs INDEXED BY openRunsOfServer
         WHERE serverId IS NOT NULL AND state <> 'completed' AND position = ?1`,
        "SELECT 'completed' AS value WHERE ?1 > 0",
      ],
      kind: ["SELECT 'prompt' AS value WHERE ?1 > 0"],
    },
  },
  {
    name: "completions",
    identity: ["completionId", "run", "clientId"],
    json: "body",
    elsewhere: {
      clientId: [
        `SELECT clientId AS value FROM main.completions INDEXED BY pendingCompletions
         WHERE clientId IS NOT NULL AND acknowledgedAt IS NULL AND sequence = ?1`,
        ofRun("clientId"),
      ],
      serverId: [ofRun("serverId")],
      workspaceId: [ofRun("workspaceId")],
      sessionId: [ofRun("sessionId")],
    },
  },
  { name: "streamedText", identity: ["message", "pieces"] },
  { name: "unindexed", identity: ["position"] },
  { name: "notes", identity: ["name"] },
  { name: "queuedPrompts", identity: ["text"] },
  { name: "queuedFiles", identity: ["run", "fileIndex", "data"] },
  { name: "goingOn", identity: ["terms"] },
  { name: "resumableWorkspaces", identity: ["workspaceId", "options"] },
  { name: "questions", identity: ["permissionId", "run", "clientId", "body"] },
  { name: "forgottenSessions", identity: ["sessionId"] },
  { name: "openForks", identity: ["sessionId"] },
  { name: "checkpoints", identity: ["id", "sessionId"] },
  { name: "changedFiles", identity: ["checkpoint", "path"] },
  { name: "relays", identity: ["name"] },
  { name: "setAside", identity: ["relay", "sequence"] },
];

/**
 * If a session's row is lost, its messages still exist and tell its workspace. A deleted session does not
 * come back: not while its deletion is under way, and not because of damaged messages that it could not
 * delete. Then all of its runs that are left have lost their client and server, see `ForgottenSessions`.
 */
const lostSessions = `
  INSERT INTO mended.sessions
    (id, workspaceId, parentSessionId, title, messageCount, createdAt, updatedAt)
  SELECT messages.sessionId, runs.workspaceId, nullif(max(runs.sessionId), messages.sessionId), '',
    count(*), min(messages.createdAt), max(messages.updatedAt)
  FROM mended.messages JOIN mended.runs ON runs.position = messages.run
  WHERE messages.sessionId NOT IN (SELECT id FROM mended.sessions)
    AND messages.sessionId NOT IN (SELECT sessionId FROM mended.forgottenSessions)
    AND length(messages.sessionId) <= 200
  GROUP BY messages.sessionId
  HAVING max(runs.clientId <> '' OR runs.serverId <> '' OR runs.state <> 'completed')`;

/**
 * Rebuilds the database of a data directory if anything in it is damaged. `now` names the copy, in
 * milliseconds since the Unix epoch.
 *
 * @throws DomainError `StorageFailed` if a server lives on the directory, if there is no database,
 * or if the file cannot be read at all. Then the file is unchanged.
 */
export function repairDatabase(dataDirectory: string, now: number): Repair {
  const file = join(dataDirectory, databaseName);
  if (!existsSync(file)) throw new DomainError("StorageFailed", `There is no database at ${file}.`);
  const mended = `${file}.repairing`;
  try {
    refuseWhileServed(dataDirectory);
    // This comes before SQLite opens the file: closing another handle later would remove SQLite's
    // locks.
    const copy = copyOf(file, now);
    const tables = rebuild(file, mended);
    if (tables === undefined) {
      removeFiles(copy);
      return { copy: undefined, tables: [] };
    }
    takePlaceOf(file, mended);
    return { copy, tables };
  } catch (error) {
    throw withFileNamed(file, storageError(file, error));
  } finally {
    removeFiles(mended);
  }
}

function served(dataDirectory: string): DomainError {
  return new DomainError(
    "StorageFailed",
    `A server, or another program, is using ${dataDirectory}; end it first.`,
  );
}

function refuseWhileServed(dataDirectory: string): void {
  const folder = join(dataDirectory, locksFolder);
  const locks = existsSync(folder) ? readdirSync(folder) : [];
  const isServed = locks.some((name) => name.endsWith(lockEnding) && isHeld(join(folder, name)));
  if (isServed) throw served(dataDirectory);
  // A lock file can be removed. But a program that has the database open also holds a lock on the
  // database.
  withExclusive(join(dataDirectory, databaseName), () => {});
}

/** Opens a file so that nobody else can, also where its last pages are missing. */
function withExclusive<T>(file: string, work: (sqlite: Sqlite) => T): T {
  const sqlite = new DatabaseSync(file, {
    timeout: 0,
    enableForeignKeyConstraints: false,
    defensive: false,
  });
  try {
    sqlite.exec("PRAGMA writable_schema = ON; PRAGMA locking_mode = EXCLUSIVE");
    sqlite.exec("BEGIN EXCLUSIVE; COMMIT");
    return work(sqlite);
  } catch (error) {
    if (sqliteCodeOf(error) === busyCode) throw served(file);
    throw error;
  } finally {
    sqlite.close();
  }
}

/** Whether SQLite finds nothing wrong, and every text that should be JSON is JSON. */
function isSound(sqlite: Sqlite): boolean {
  try {
    const [first] = sqlite.prepare("PRAGMA integrity_check(1)").all();
    if (Object.values(first ?? {})[0] !== "ok") return false;
    return salvaged.every(({ name, json }) => {
      if (json === undefined) return true;
      const sql = `SELECT 1 FROM ${name} WHERE ${json} <> '' AND NOT json_valid(${json}) LIMIT 1`;
      return sqlite.prepare(sql).get() === undefined;
    });
  } catch (error) {
    // A damaged file is rebuilt. The caller gets every other error.
    if (sqliteCodeOf(error) !== damagedCode) throw error;
    return false;
  }
}

/** Copies the file with its log, before anything is done to either. */
function copyOf(file: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[:.]/g, "-");
  const copy = `${file}.damaged-${time}`;
  for (const ending of ["", "-wal"]) {
    if (existsSync(`${file}${ending}`)) copyFileSync(`${file}${ending}`, `${copy}${ending}`);
  }
  return copy;
}

/** What was put into the new file; undefined if the old one is sound. */
function rebuild(file: string, mended: string): SalvageCount[] | undefined {
  removeFiles(mended);
  // A new file with the schema that this program knows.
  const { sqlite: made } = openFile(mended);
  // The notes are those of the old file, but for how many steps this one has taken.
  made.exec("DELETE FROM notes; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
  made.close();
  return withExclusive(file, (sqlite) => {
    if (isSound(sqlite)) return undefined;
    sqlite.prepare("ATTACH ? AS mended").run(mended);
    sqlite.exec("PRAGMA mended.synchronous = OFF; PRAGMA mended.journal_mode = MEMORY");
    const counts = salvaged.map((table) => {
      const salvage = new TableSalvage(sqlite, table);
      salvage.run();
      return salvage.count;
    });
    sqlite
      .prepare("INSERT OR REPLACE INTO mended.notes (name, value) VALUES (?, ?)")
      .run(stepsNote, String(schema.steps.length));
    sqlite.exec(lostSessions);
    counts.push(keepEngineSessions(sqlite));
    sqlite.exec(forgetIndex("mended"));
    keepSequences(sqlite);
    // The next server that starts ends the open runs.
    sqlite.exec(
      `INSERT OR IGNORE INTO mended.servers (id, startedAt)
       SELECT DISTINCT serverId, 0 FROM mended.runs WHERE state <> 'completed' AND serverId <> ''`,
    );
    sqlite.exec("DETACH mended");
    return counts;
  });
}

/** A number that was used once is never used again, even if its row is lost. */
function keepSequences(sqlite: Sqlite): void {
  let known: { name?: unknown; seq?: unknown }[] = [];
  try {
    known = sqlite.prepare("SELECT name, seq FROM main.sqlite_sequence").all() as typeof known;
  } catch {
    // Then the largest number of each table's rows stands, as SQLite has counted them.
  }
  const update = sqlite.prepare(
    "UPDATE mended.sqlite_sequence SET seq = max(seq, ?) WHERE name = ?",
  );
  const insert = sqlite.prepare("INSERT INTO mended.sqlite_sequence (name, seq) VALUES (?, ?)");
  for (const { name, seq } of known) {
    if (!salvaged.some((table) => table.name === name)) continue;
    const { changes } = update.run(Number(seq), String(name));
    if (Number(changes) === 0) insert.run(String(name), Number(seq));
  }
}

/** Puts the new file in the place of the damaged one, of which there is a copy. */
function takePlaceOf(file: string, mended: string): void {
  const handle = openSync(mended, "r+");
  fsyncSync(handle);
  closeSync(handle);
  for (const ending of ["-wal", "-shm"]) rmSync(`${file}${ending}`, { force: true });
  renameSync(mended, file);
}

function removeFiles(file: string): void {
  for (const ending of ["", "-wal", "-shm", "-journal"])
    rmSync(`${file}${ending}`, { force: true });
}
