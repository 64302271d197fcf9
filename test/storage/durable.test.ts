import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Database } from "../../src/storage/database.js";

const normal = 1;
const full = 2;

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-durable-"));
  database = Database.open(join(folder, "turnwire.db"));
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const synchronous = () => database.prepare("PRAGMA synchronous").get()?.synchronous;

describe("a durable transaction", () => {
  test("waits for the disk, and what is announced behind it does not", () => {
    const seen: unknown[] = [];
    database.durable(() => {
      seen.push(synchronous());
      database.afterCommit(() => seen.push(synchronous()));
    });
    expect(seen).toEqual([full, normal]);
  });

  test("that is rolled back announces nothing, then or later", () => {
    let announced = 0;
    expect(() =>
      database.durable(() => {
        database.afterCommit(() => announced++);
        throw new Error("no");
      }),
    ).toThrow("no");
    database.write(() => {});
    expect(announced).toBe(0);
    expect(synchronous()).toBe(normal);
  });

  test("may be written to by what it announces", () => {
    database.durable(() => {
      database.afterCommit(() => {
        database.write(() =>
          database.prepare("INSERT INTO servers (id, startedAt) VALUES ('a', 1)").run(),
        );
      });
    });
    expect(database.prepare("SELECT id FROM servers").all()).toEqual([{ id: "a" }]);
  });
});
