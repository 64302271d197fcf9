import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { applicationId, migrations, schema } from "../../src/storage/migrations.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { openStored } from "../helpers/storedFile.js";
import { buildStorageProgram } from "./storageProcess.js";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let program: Awaited<ReturnType<typeof buildStorageProgram>>;

beforeAll(async () => {
  program = await buildStorageProgram();
});
afterAll(() => program.remove());
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
});
afterEach(() => folder.remove());

/** Makes a file by SQLite itself. */
function bySqlite(sql: string): void {
  const sqlite = openStored(file);
  sqlite.exec(sql);
  sqlite.close();
}

/** Whether opening fails with these words, and leaves every byte as it was. */
function expectRefused(words: RegExp): void {
  const before = readFileSync(file);
  expect(() => Database.open(file)).toThrow(
    expect.objectContaining({ name: "StorageFailed", message: expect.stringMatching(words) }),
  );
  expect(readFileSync(file).equals(before)).toBe(true);
}

const pragma = (database: Database, name: string) =>
  database.prepare(`PRAGMA ${name}`).get()?.[name];

describe("opening", () => {
  it("makes a new file with every migration, in WAL mode, marked as ours", () => {
    const database = Database.open(file);
    expect(pragma(database, "user_version")).toBe(schema.readableFrom);
    expect(database.steps).toBe(migrations.length);
    expect(pragma(database, "application_id")).toBe(applicationId);
    expect(pragma(database, "journal_mode")).toBe("wal");
    expect(pragma(database, "synchronous")).toBe(1);
    database.close();
  });

  it("takes a file as it was left, and changes nothing in it", () => {
    const first = Database.open(file);
    first.prepare("INSERT INTO workspaces VALUES ('w', '/w', 1)").run();
    first.close();
    const before = readFileSync(file);
    const second = Database.open(file);
    expect(second.prepare("SELECT id FROM workspaces").all()).toEqual([{ id: "w" }]);
    second.close();
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("takes an empty file that somebody has made", () => {
    writeFileSync(file, "");
    Database.open(file).close();
  });

  it("brings a file of an earlier schema up to date", () => {
    bySqlite(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = 0`);
    const database = Database.open(file);
    expect(pragma(database, "user_version")).toBe(schema.readableFrom);
    expect(database.steps).toBe(migrations.length);
    database.close();
  });

  it("refuses a newer schema, says so, and leaves the file alone", () => {
    bySqlite(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = 99; CREATE TABLE later (a)`,
    );
    expectRefused(/was written by a newer Turnwire \(schema 99/);
  });

  it("refuses another program's database, and leaves it alone", () => {
    bySqlite("CREATE TABLE bookmarks (url); INSERT INTO bookmarks VALUES ('x')");
    expectRefused(/another program's database/);
    bySqlite("DROP TABLE bookmarks; PRAGMA application_id = 7; PRAGMA user_version = 1");
    expectRefused(/another program's database/);
  });

  it("refuses what is no database, and leaves it alone", () => {
    writeFileSync(file, "notes of a person, which are longer than a header\n".repeat(100));
    expectRefused(/is no SQLite database; it was left as it is/);
  });

  it("refuses a damaged file, and leaves it alone", () => {
    Database.open(file).close();
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 100, 4096);
    writeFileSync(file, bytes);
    expectRefused(/is damaged; it was left as it is/);
  });

  it("names the file and the fix where the folder cannot be written", () => {
    const place = join(folder.path, "locked");
    mkdirSync(place);
    chmodSync(place, 0o500);
    // A superuser may write anywhere, so the test is somebody else for this one call.
    const own = process.geteuid?.();
    if (own === 0) {
      chmodSync(folder.path, 0o755);
      chmodSync(place, 0o555);
      process.seteuid?.(65534);
    }
    try {
      expect(() => Database.open(join(place, "turnwire.db"))).toThrow(
        /locked\/turnwire\.db failed: it cannot be opened; check that the folder/,
      );
    } finally {
      if (own === 0) process.seteuid?.(0);
    }
    expect(existsSync(join(place, "turnwire.db"))).toBe(false);
  });

  it("names what holds it locked", async () => {
    const other = await program.start("lock", folder.path);
    expect(other.line).toBe("locked");
    const database = Database.open(file);
    database.prepare("PRAGMA busy_timeout = 20").get();
    expect(() => database.durable(() => undefined)).toThrow(/another program holds it locked/);
    await other.kill();
    expect(database.durable(() => 1)).toBe(1);
    database.close();
  });

  it("waits for a process that is making the same file its own", async () => {
    const other = await program.start("make", folder.path);
    expect(other.line).toBe("making");
    const database = Database.open(file);
    expect(pragma(database, "journal_mode")).toBe("wal");
    database.close();
  });

  it("works for several processes that open a new directory at once", async () => {
    for (let round = 0; round < 3; round++) {
      const place = temporaryFolder();
      const opened = await Promise.all(
        Array.from({ length: 4 }, () => program.start("open", place.path)),
      );
      expect(opened.map(({ line }) => line)).toEqual(Array(4).fill("opened"));
      place.remove();
    }
  });
});

describe("a transaction", () => {
  let database: Database;
  beforeEach(() => {
    database = Database.open(file);
    database.prepare("CREATE TABLE t (a INTEGER UNIQUE) STRICT").run();
  });
  afterEach(() => database.close());

  const insert = (a: number) => database.prepare("INSERT INTO t VALUES (?)").run(a);
  const rows = () =>
    database
      .prepare("SELECT a FROM t ORDER BY a")
      .all()
      .map(({ a }) => a);

  it("keeps all of its work or none", () => {
    expect(() =>
      database.write(() => {
        insert(1);
        insert(1);
      }),
    ).toThrow(expect.objectContaining({ name: "StorageFailed" }));
    expect(rows()).toEqual([]);
    database.write(() => insert(2));
    expect(rows()).toEqual([2]);
  });

  it("is on the disk itself where it is durable, and only there pays for that", () => {
    const during = (kind: "write" | "durable") =>
      database[kind](() => {
        insert(kind === "write" ? 1 : 2);
        return pragma(database, "synchronous");
      });
    expect([during("durable"), during("write")]).toEqual([2, 1]);
    expect(pragma(database, "synchronous")).toBe(1);
  });

  it("goes back to the cheaper kind after a durable one that failed", () => {
    expect(() =>
      database.durable(() => {
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(pragma(database, "synchronous")).toBe(1);
  });

  it("inside another is part of it", () => {
    expect(() =>
      database.durable(() => {
        database.write(() => insert(1));
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(rows()).toEqual([]);
  });

  it("that is durable cannot be inside another, which would not be", () => {
    expect(() => database.write(() => database.durable(() => insert(1)))).toThrow(/nested/);
    expect(rows()).toEqual([]);
  });

  it("announces after its commit, in order", () => {
    const heard: unknown[] = [];
    database.write(() => {
      insert(1);
      database.afterCommit(() => heard.push(["first", rows()]));
      database.write(() => database.afterCommit(() => heard.push("second")));
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual([["first", [1]], "second"]);
  });

  it("announces nothing that was rolled back, then or later", () => {
    const heard: string[] = [];
    expect(() =>
      database.write(() => {
        database.afterCommit(() => heard.push("lost"));
        throw new Error("no");
      }),
    ).toThrow("no");
    database.write(() => insert(1));
    expect(heard).toEqual([]);
  });

  it("can be begun by what it announces", () => {
    database.write(() => {
      insert(1);
      database.afterCommit(() => database.durable(() => insert(2)));
    });
    expect(rows()).toEqual([1, 2]);
  });

  it("on a full disk fails as a whole, and the file goes on working", () => {
    const pages = pragma(database, "page_count");
    database.prepare("CREATE TABLE big (a TEXT)").run();
    database.prepare(`PRAGMA max_page_count = ${Number(pages) + 2}`).get();
    expect(() =>
      database.durable(() => {
        insert(1);
        database.prepare("INSERT INTO big VALUES (?)").run("x".repeat(100_000));
      }),
    ).toThrow(/the disk is full; free some space/);
    expect(rows()).toEqual([]);
    database.durable(() => insert(2));
    expect(rows()).toEqual([2]);
  });

  it("names no path to a client", () => {
    database.prepare("PRAGMA query_only = 1").run();
    expect(() => database.write(() => insert(1))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(folder.path) }),
    );
  });
});
