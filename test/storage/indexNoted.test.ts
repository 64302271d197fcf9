// Messages are noted in their own commits, and many of them are indexed in one.
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { indexNoted } from "../../src/storage/indexNoted.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { schema } from "../../src/storage/migrations.js";
import { repairDatabase } from "../../src/storage/repair.js";
import { SearchIndex } from "../../src/storage/searchIndex.js";
import { termsOf } from "../../src/storage/searchText.js";
import { SessionFinder } from "../../src/storage/sessionFinder.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { overwritePages, releaseFiles } from "../helpers/damage.js";
import { openStored } from "../helpers/storedFile.js";

const place = { workspaceId: "w", parentSessionId: undefined };
const newSession = { id: "s", ...place, title: "t", createdAt: 0 };
let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let database: Database;
let messages: MessageStore;
let said = 0;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
  open();
  new SessionStore(database).insert(newSession);
});
afterEach(() => {
  database.close();
  folder.remove();
});

function open(steps = schema.steps.length): void {
  database = Database.open(file, { schema: { ...schema, steps: schema.steps.slice(0, steps) } });
  messages = new MessageStore(database);
}

const partsOf = (text: string) => JSON.stringify([{ type: "text", text }]);

/** A message of a user, which is final at once, or of a model, which is not. */
function say(text: string, role: "user" | "assistant" = "user", more: object = {}): string {
  const id = `m${++said}`;
  const common = { sessionId: "s", run: 1, isSummary: false, createdAt: said };
  const by = { model: undefined, provider: undefined };
  messages.insert({ ...common, ...by, id, role, parts: partsOf(text), ...more });
  return id;
}

const count = (table: string) =>
  Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
const isIndexed = (word: string) =>
  database.prepare("SELECT 1 FROM searchIndex WHERE searchIndex MATCH ?").get(word) !== undefined;

/** As a search does it, in as many steps as that takes. */
function found(query: string): { sessions: number; steps: number } {
  const finder = new SessionFinder(database);
  let steps = 1;
  while (finder.catchUp()) steps++;
  const all = { workspaceId: undefined, limit: 10, place: undefined };
  const search = { terms: termsOf(query), ...all };
  return { sessions: finder.find(search).hits.length, steps };
}

function indexAll(forMs = Number.POSITIVE_INFINITY): number {
  return [...indexNoted(database, forMs)].length;
}

describe("a message with its final text", () => {
  it("is noted in its commit, and indexed before a search looks", () => {
    say("the okapi asks");
    const index = new SearchIndex(database);
    expect([index.hasNoted, count("unindexed"), isIndexed("okapi")]).toEqual([true, 1, false]);
    expect(found("okapi").sessions).toBe(1);
    expect([index.hasNoted, count("unindexed"), isIndexed("okapi")]).toEqual([false, 0, true]);
  });

  it("is noted once it is final, and found with the text that it has then", () => {
    const id = say("the bongo", "assistant");
    messages.update(id, partsOf("the bongo answers"), 1);
    expect(count("unindexed")).toBe(0);
    expect(found("bongo").sessions).toBe(0);
    messages.update(id, partsOf("the quagga answers"), 2, true);
    expect(count("unindexed")).toBe(1);
    expect([found("bongo").sessions, found("quagga").sessions]).toEqual([0, 1]);
  });

  it("is indexed after a crash, by whoever searches next", () => {
    say("the okapi asks");
    const other = openStored(file);
    expect(other.prepare("SELECT count(*) AS n FROM unindexed").get()).toEqual({ n: 1 });
    other.close();
    database.close();
    open();
    expect(found("okapi").sessions).toBe(1);
  });

  it("is not found where it is a summary, or was deleted before it was indexed", () => {
    say("the summed okapi", "user", { isSummary: true });
    const id = say("the deleted okapi");
    database.prepare("DELETE FROM messages WHERE id = ?").run(id);
    expect(count("unindexed")).toBe(2);
    expect(found("okapi").sessions).toBe(0);
    expect(count("unindexed")).toBe(0);
  });

  it("is indexed at once where it is long, so that no step takes long", () => {
    say(`${"word ".repeat(20_000)} okapi`);
    say("the okapi asks");
    expect([count("unindexed"), isIndexed("word")]).toEqual([1, true]);
  });

  it("is indexed at once in a file that an older server keeps", () => {
    database.close();
    file = join(folder.path, "older.db");
    open(22);
    new SessionStore(database).insert(newSession);
    say("the okapi asks");
    expect(isIndexed("okapi")).toBe(true);
    expect([new SearchIndex(database).hasNoted, indexAll()]).toEqual([false, 0]);
    expect(found("okapi").sessions).toBe(1);
  });
});

describe("the noted messages", () => {
  it("are indexed a hundred in a commit, without those that come meanwhile", () => {
    for (let n = 0; n < 250; n++) say(`the okapi ${n}`);
    const steps = indexNoted(database, Number.POSITIVE_INFINITY);
    const left: number[] = [];
    for (let step = 0; !steps.next().done; step++) {
      left.push(count("unindexed"));
      say(`the bongo ${step}`);
    }
    expect(left).toEqual([150, 51, 2]);
    expect(count("unindexed")).toBe(3);
    expect([isIndexed("okapi"), isIndexed("bongo")]).toEqual([true, false]);
  });

  it("are indexed in more steps where there is less time, one in each at least", () => {
    for (let n = 0; n < 7; n++) say(`the okapi ${n}`);
    expect(indexAll(0)).toBe(7);
    expect(count("unindexed")).toBe(0);
    // What is indexed takes time in its commit too, which no clock tells before.
    for (let n = 0; n < 7; n++) say(`the okapi ${n} ${"word ".repeat(2000)}`);
    expect(indexAll(3)).toBe(4);
  });

  it("stay noted where nothing can be written, and keep no search waiting for ever", () => {
    say("the okapi asks");
    database.waitBriefly(1);
    const other = openStored(file);
    other.exec("BEGIN IMMEDIATE");
    expect(() => indexAll()).toThrow(/holds it locked|locked/);
    // The title of its session is in the index.
    expect([found("okapi").sessions, found("t").sessions]).toEqual([0, 1]);
    other.exec("ROLLBACK");
    other.close();
    expect(count("unindexed")).toBe(1);
    expect(found("okapi").sessions).toBe(1);
  });

  it("include one in a damaged place of the file, which is left out", () => {
    // Each has a page of its own.
    for (const word of ["first", "damaged", "last"]) say(`${word} ${"okapi ".repeat(600)}`);
    database.close();
    expect(overwritePages(file, "damaged okapi")).toBe(1);
    open();
    database.damage.listen(() => {});
    indexAll();
    expect(["first", "damaged", "last"].map(isIndexed)).toEqual([true, false, true]);
    expect(count("unindexed")).toBe(0);
  });

  it("that cannot be told, because that place is damaged, keep no search from its end", () => {
    for (let n = 0; n < 3; n++) say(`the okapi ${n}`);
    database.close();
    const damaged = openStored(file);
    const { rootpage } = damaged
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'unindexed'")
      .get() as { rootpage: number };
    damaged.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    damaged.close();
    const handle = openSync(file, "r+");
    writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, (rootpage - 1) * 4096);
    closeSync(handle);
    open();
    database.damage.listen(() => {});
    expect(found("okapi").sessions).toBe(0);
    // Nor do they keep a message from being stored.
    const id = say("the bongo", "assistant");
    messages.update(id, partsOf("the bongo answers"), 9, true);
    expect(messages.find("s", id)?.parts).toContain("answers");
  });
});

describe("a damaged index", () => {
  /** Words of their own, so that each message has its own place in the index. */
  const words = (from: number) =>
    Array.from({ length: 60 }, (_, n) => ((from * 60 + n) * 2654435761).toString(36)).join(" ");

  it("that a commit meets is told, and collects no messages for ever", () => {
    for (let n = 0; n < 200; n++) {
      say(`okapi ${n} ${words(n)}`);
      if (n % 20 === 0) indexAll();
    }
    indexAll();
    database.close();
    const whole = openStored(file);
    whole.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const leaves = whole
      .prepare("SELECT pageno FROM dbstat WHERE name = 'searchIndex_data' AND pagetype = 'leaf'")
      .all()
      .map((row) => Number((row as { pageno: number }).pageno));
    whole.close();
    expect(leaves.length).toBeGreaterThan(5);
    const bytes = readFileSync(file);
    let met = 0;
    for (const leaf of leaves.slice(0, 12)) {
      file = join(folder.path, `leaf${leaf}.db`);
      writeFileSync(file, Buffer.from(bytes).fill(0xa5, (leaf - 1) * 4096, leaf * 4096));
      open();
      const told: unknown[] = [];
      database.damage.listen((row) => told.push(row));
      for (let n = 0; n < 30; n++) {
        say(`quagga ${n} ${words(1000 + n)}`);
        indexAll();
      }
      expect(count("unindexed")).toBe(0);
      if (told.length > 0) met++;
      // Nothing of it is passed over without a word.
      else expect(found("quagga").sessions).toBe(1);
      database.close();
    }
    expect(met).toBeGreaterThan(0);
    file = join(folder.path, "turnwire.db");
    open();
  });

  it.each([21, 22, schema.steps.length])(
    "is made anew by a repair, also of a file with %i steps, which loses nothing that was noted",
    async (steps) => {
      database.close();
      file = join(folder.path, "damaged", "turnwire.db");
      mkdirSync(join(folder.path, "damaged"));
      open(steps);
      new SessionStore(database).insert(newSession);
      for (const word of ["first", "damaged", "last"]) say(`${word} ${"okapi ".repeat(600)}`);
      database.close();
      expect(overwritePages(file, "damaged okapi")).toBe(1);
      await releaseFiles();
      const { tables } = repairDatabase(join(folder.path, "damaged"), 0);
      expect(tables.find(({ table }) => table === "messages")?.kept).toBe(2);
      expect(tables.find(({ table }) => table === "unindexed")?.leftOut ?? []).toEqual([]);
      open();
      expect([found("first").sessions, found("last").sessions]).toEqual([1, 1]);
    },
  );
});
