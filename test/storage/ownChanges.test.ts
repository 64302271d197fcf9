import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { MessageHistory } from "../../src/storage/messageHistory.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { RewoundMessages } from "../../src/storage/rewoundMessages.js";
import { StreamedText } from "../../src/storage/streamedText.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let database: Database;
let other: Database;

beforeEach(() => {
  folder = temporaryFolder();
  database = Database.open(join(folder.path, "turnwire.db"));
  other = Database.open(join(folder.path, "turnwire.db"));
});
afterEach(() => {
  other.close();
  database.close();
  folder.remove();
});

const message = (
  id: string,
  sessionId: string,
  now: number,
  more: { readonly [_: string]: unknown } = {},
) => ({
  id,
  sessionId,
  run: 1,
  role: "user",
  parts: '[{"type":"text","text":"x"}]',
  isSummary: false,
  model: undefined,
  provider: undefined,
  createdAt: now,
  ...more,
});

function told(): [string, number][] {
  const heard: [string, number][] = [];
  const listener = { touched: (...one: [string, number]) => void heard.push(one) };
  database.ownChanges.tell(listener, true);
  return heard;
}

it("tells of every message that is added, changed, moved or removed, and of text that it gets", () => {
  const heard = told();
  const store = new MessageStore(database);
  store.insert(message("m1", "s", 1));
  store.update("m1", "[]", 2);
  store.append("m1", [{ partIndex: 0, offset: 0, text: "y" }], 3);
  expect(heard.splice(0)).toEqual([
    ["s", 1],
    ["s", 1],
    ["s", 1],
  ]);
  database.prepare("UPDATE messages SET sessionId = ? WHERE id = ?").run("t", "m1");
  expect(heard.splice(0).sort()).toEqual([
    ["s", 1],
    ["t", 1],
  ]);
  database.prepare("UPDATE messages SET position = 7").run();
  expect(heard.splice(0).sort()).toEqual([
    ["t", 1],
    ["t", 7],
  ]);
  database.prepare("DELETE FROM messages").run();
  expect(heard.splice(0)).toEqual([["t", 7]]);
  new MessageStore(other).insert(message("m2", "s", 4));
  expect(heard).toEqual([]);
});

it("lets a change through whatever its position is", () => {
  const heard = told();
  database
    .prepare(
      "INSERT INTO messages (position, id, sessionId, role, parts, createdAt, updatedAt) VALUES (9223372036854775807, 'm', 's', 'user', '[]', 1, 1)",
    )
    .run();
  expect(database.prepare("DELETE FROM messages").run().changes).toBe(1);
  expect(heard).toHaveLength(2);
});

it("is not begun in a transaction, which may be rolled back with it", () => {
  const heard: unknown[] = [];
  const listener = { touched: (...one: unknown[]) => void heard.push(one) };
  const { ownChanges } = database;
  const undo = () => {
    throw new Error("undone");
  };
  expect(() =>
    database.write(() => {
      ownChanges.tell(listener, true);
      undo();
    }),
  ).toThrow("undone");
  expect(ownChanges.isToldTo(listener)).toBe(false);
  ownChanges.tell(listener, true);
  expect(ownChanges.isToldTo(listener)).toBe(true);
  database.write(() => expect(ownChanges.isToldTo(listener)).toBe(false));
  new MessageStore(database).insert(message("m1", "s", 1));
  expect(heard).toEqual([["s", 1]]);
});

const index = fc.nat(12);
const session = fc.nat(1);
const is = <const Kind extends string>(kind: Kind) => fc.constant(kind);
const change = fc.oneof(
  fc.record({
    kind: is("insert"),
    session,
    size: fc.nat(2),
    run: fc.nat(2),
    isSummary: fc.boolean(),
    isUser: fc.boolean(),
  }),
  fc.record({ kind: is("update"), index, size: fc.nat(2) }),
  fc.record({ kind: is("append"), index }),
  fc.record({ kind: is("fold"), session }),
  fc.record({ kind: is("delete"), index }),
  fc.record({ kind: is("rewind"), session, from: index, length: fc.nat(4) }),
  fc.record({ kind: is("fork"), session, upTo: index }),
  fc.record({ kind: is("read"), session, summary: index }),
  fc.record({ kind: is("read"), session, summary: fc.constant(-1) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
const step = fc.record({
  by: fc.constantFrom("own" as const, "own" as const, "other" as const, "undone" as const),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
});

/** Two sessions that are changed in a file, and read by one store that keeps what it has read. */
class World {
  /** It does not compare what nobody can have changed. */
  readonly #kept = new MessageHistory(database, 1);
  readonly #name: string;
  readonly #ids: string[] = [];
  #now = 1;

  constructor(name: string) {
    this.#name = name;
  }

  /** Makes changes; those that are undone in one transaction. */
  take({
    by,
    changes,
  }: {
    readonly by: "own" | "other" | "undone";
    readonly changes: readonly Change[];
  }) {
    const file = by === "other" ? other : database;
    if (by !== "undone") {
      for (const one of changes) this.#make(one, file);
      return;
    }
    expect(() =>
      database.write(() => {
        for (const one of changes) this.#make(one, file);
        throw new Error("undone");
      }),
    ).toThrow("undone");
  }

  #make(one: Change, file: Database): void {
    const now = this.#now++;
    const store = new MessageStore(file);
    const sessionId = "session" in one ? `${this.#name} ${one.session}` : "";
    const id = "index" in one ? (this.#ids[one.index] ?? "") : `${this.#name} ${now}`;
    const parts = JSON.stringify([
      { type: "text", text: "x".repeat("size" in one ? one.size : 0) },
    ]);
    if (one.kind === "insert") {
      const { isSummary, run } = one;
      const role = one.isUser ? "user" : "assistant";
      store.insert(message(id, sessionId, now, { parts, isSummary, run, role }));
      this.#ids.push(id);
    } else if (one.kind === "update") store.update(id, parts, now);
    else if (one.kind === "append") this.#append(store, id, now);
    else if (one.kind === "fold")
      new StreamedText(file).fold(sessionId, 0, Number.MAX_SAFE_INTEGER);
    else if (one.kind === "delete") file.prepare("DELETE FROM messages WHERE id = ?").run(id);
    else if (one.kind === "rewind") {
      const from = this.#positionOf(one.from);
      new RewoundMessages(file).move(sessionId, [[from, from + one.length]]);
    } else if (one.kind === "fork") {
      const columns = "role, parts, isSummary, run, createdAt";
      file
        .prepare(
          `INSERT INTO messages (id, sessionId, updatedAt, ${columns})
           SELECT id || ?1, ?2, ?3, ${columns} FROM messages WHERE sessionId = ?4 AND position < ?5`,
        )
        .run(
          ` ${now}`,
          `${this.#name} ${1 - one.session}`,
          now,
          sessionId,
          this.#positionOf(one.upTo),
        );
    } else this.#read(sessionId, this.#ids[one.summary]);
  }

  /** Each text is longer than those before it, so it adds something to what they have made. */
  #append(store: MessageStore, id: string, now: number): void {
    store.append(id, [{ partIndex: 0, offset: 0, text: "y".repeat(now) }], now);
  }

  #positionOf(index: number): number {
    const row = database
      .prepare("SELECT position FROM messages WHERE id = ?")
      .get(this.#ids[index] ?? "");
    return Number(row?.position ?? 0);
  }

  #read(sessionId: string, summary: string | undefined): void {
    const fresh = new MessageHistory(database, Number.POSITIVE_INFINITY);
    expect(this.#kept.of(sessionId, summary)).toEqual(fresh.of(sessionId, summary));
  }
}

it("makes what is kept of a history the same as what a fresh reader finds", () => {
  let count = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const world = new World(`w${count++}`);
      for (const one of steps) world.take(one);
    }),
    { numRuns: 300 },
  );
}, 60_000);

it("reads a message again while it grows, and does not keep it for unchanged", () => {
  const store = new MessageStore(database);
  const history = new MessageHistory(database, 1);
  for (const id of ["m1", "m2"]) store.insert(message(id, "s", 1));
  const text = () => history.of("s", undefined).map(({ parts }) => JSON.parse(parts ?? "")[0].text);
  for (const writer of [store, new MessageStore(other)]) {
    for (const more of ["xa", "xab", "xabc"]) {
      writer.append("m1", [{ partIndex: 0, offset: 0, text: more }], 2);
      expect(text()).toEqual([more, "x"]);
    }
    writer.update("m1", '[{"type":"text","text":"x"}]', 1);
    expect(text()).toEqual(["x", "x"]);
  }
});
