import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { KeptRows, type RowSource } from "../../src/storage/keptRows.js";
import { MessageHistory } from "../../src/storage/messageHistory.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

interface Mark {
  readonly position: number;
  readonly isSummary?: boolean;
  readonly updatedAt?: number;
  readonly size?: number;
  readonly isOpen?: boolean;
}

const mark = (position: number, more: Omit<Mark, "position"> = {}): Mark => ({ position, ...more });
/** The marks as the file tells them. */
const text = (...marks: readonly Mark[]) =>
  marks
    .map(({ position, isSummary, updatedAt = 1, size = 10, isOpen }) =>
      [position, isSummary ? 1 : 0, updatedAt, size, isOpen ? 1 : 0].join(" "),
    )
    .join(";");
type ReadOne<Row> = (position: number) => Row | undefined;

/** Reads rows one by one. */
const each =
  <Row extends object>(read: ReadOne<Row>): RowSource<Row>["read"] =>
  (marks) => {
    const found = new Map<number, Row>();
    for (const { position } of marks) {
      const row = read(position);
      if (row !== undefined) found.set(position, row);
    }
    return found;
  };

/** The rows of marks that have to be compared. */
const rowsOf = <Row extends object>(
  kept: KeptRows<Row>,
  sessionId: string,
  marks: string,
  read: ReadOne<Row>,
): Row[] => {
  const range = { sessionId, after: 0, before: 1000 };
  return kept.rowsOf(range, { version: undefined, marks: () => marks, read: each(read) }) ?? [];
};

describe("kept rows", () => {
  /** Reads by making a new object, and notes what was read. */
  function reading() {
    const read: number[] = [];
    return {
      read,
      row: (position: number) => {
        read.push(position);
        return { position };
      },
    };
  }

  it("are read once while their marks stay, and again when one changes", () => {
    const kept = new KeptRows<{ position: number }>();
    const { read, row } = reading();
    const first = rowsOf(kept, "s", text(mark(1), mark(2)), row);
    const second = rowsOf(kept, "s", text(mark(1), mark(2), mark(3)), row);
    expect(second.slice(0, 2)).toEqual(first);
    expect(second[0]).toBe(first[0]);
    expect(read).toEqual([1, 2, 3]);
    for (const changed of [{ updatedAt: 2 }, { size: 11 }]) {
      const before = read.length;
      rowsOf(kept, "s", text(mark(1), mark(2, changed), mark(3)), row);
      expect(read.slice(before)).toEqual([2]);
      rowsOf(kept, "s", text(mark(1), mark(2), mark(3)), row);
    }
  });

  it("are the same objects where the list has grown, lost its end, or its beginning changed", () => {
    const kept = new KeptRows<{ position: number }>();
    const { read, row } = reading();
    const [one, two] = rowsOf(kept, "s", text(mark(1), mark(2)), row);
    const of = (...marks: readonly Mark[]) => rowsOf(kept, "s", text(...marks), row);
    expect(of(mark(1), mark(2), mark(30))).toEqual([one, two, { position: 30 }]);
    // The text of position 3 begins that of 30.
    expect(of(mark(1), mark(2), mark(3))).toEqual([one, two, { position: 3 }]);
    expect(of(mark(1), mark(2, { size: 1 }))[0]).toBe(one);
    expect(of(mark(1), mark(2, { size: 1 }))[1]).not.toBe(two);
    expect(of(mark(1), mark(2, { size: 10 }), mark(4))[0]).toBe(one);
    const last = of(mark(1), mark(2), mark(4), mark(5))[3];
    expect(of(mark(5))).toEqual([last]);
    expect(of(mark(5))[0]).toBe(last);
    expect(of()).toEqual([]);
    expect(of(mark(1))).not.toBe(one);
    expect(read).toEqual([1, 2, 30, 3, 2, 2, 4, 5, 1]);
  });

  it("are compared as a whole only if another connection or this one may have changed them", () => {
    const kept = new KeptRows<{ position: number }>();
    const { read, row } = reading();
    const marks = [mark(1), mark(2)];
    const asked: number[] = [];
    const rows = (version: number | undefined, before = 1000) => {
      const source = {
        version,
        marks: (after: number) => {
          asked.push(after);
          return text(...marks.filter(({ position }) => position > after && position < before));
        },
        read: each(row),
      };
      return kept.rowsOf({ sessionId: "s", after: 0, before }, source)?.length;
    };
    rows(7);
    marks.push(mark(5));
    expect(rows(7)).toBe(3);
    expect(rows(7)).toBe(3);
    expect(asked.splice(0)).toEqual([0, 2, 5]);
    kept.touched("s", 6);
    kept.touched("t", 1);
    rows(7);
    expect(asked.splice(0)).toEqual([5]);
    kept.touched("s", 5);
    rows(7);
    rows(8);
    rows(undefined);
    rows(8);
    expect(rows(8, 5)).toBe(2);
    expect(asked).toEqual([0, 0, 0, 0, 0]);
    expect(read).toEqual([1, 2, 5]);
  });

  it("are the newest ones if there are too many to be read, and never summaries", () => {
    const anew = (marks: string) => rowsOf(new KeptRows<object>(1000, 0, 35), "s", marks, Object);
    const kept = new KeptRows<object>(1000, 0, 35);
    const marks = [mark(1), mark(2, { isSummary: true }), mark(3), mark(4, { size: 36 }), mark(5)];
    for (let count = 0; count <= 8; count++) {
      const all = text(
        ...marks.slice(0, count),
        ...[6, 7, 8].slice(0, Math.max(0, count - 5)).map((at) => mark(at)),
      );
      expect(rowsOf(kept, "s", all, Object)).toEqual(anew(all));
    }
    expect(rowsOf(kept, "s", text(...marks), Object).map(Number)).toEqual([1, 3, 4, 5]);
  });

  it("leave out what cannot be read, and try it again the next time", () => {
    const kept = new KeptRows<object>();
    let isThere = false;
    const row = () => (isThere ? { found: true } : undefined);
    expect(rowsOf(kept, "s", text(mark(1)), row)).toEqual([]);
    isThere = true;
    expect(rowsOf(kept, "s", text(mark(1)), row)).toEqual([{ found: true }]);
    isThere = false;
    expect(rowsOf(kept, "s", text(mark(1), mark(2)), row)).toEqual([{ found: true }]);
    isThere = true;
    expect(rowsOf(kept, "s", text(mark(1), mark(2)), row)).toHaveLength(2);
  });

  it("have a bound in bytes: the list that was read longest ago goes first", () => {
    const kept = new KeptRows<object>(100, 0);
    const { read, row } = reading();
    const list = (from: number) => text(...Array.from({ length: 4 }, (_, at) => mark(from + at)));
    rowsOf(kept, "a", list(1), row);
    rowsOf(kept, "b", list(11), row);
    rowsOf(kept, "a", list(1), row);
    rowsOf(kept, "c", list(21), row);
    const before = read.length;
    rowsOf(kept, "a", list(1), row);
    expect(read.slice(before)).toEqual([]);
    // It is used again and again, and "c" is not: the second time it takes that one's place.
    for (let time = 0; time < 3; time++) rowsOf(kept, "b", list(11), row);
    expect(read.slice(before)).toEqual([11, 12, 13, 14, 11, 12, 13, 14]);
    // A list that is too long alone is not kept, and takes no other's place.
    rowsOf(kept, "d", text(mark(31, { size: 101 })), row);
    rowsOf(kept, "b", list(11), row);
    expect(read.slice(before + 8)).toEqual([31]);
  });

  it("stay for as many sessions as there is room for, where more of them take turns", () => {
    const kept = new KeptRows<object>(400, 0);
    const { read, row } = reading();
    // Ten lists that grow from forty to forty-nine bytes each.
    const turn = (session: number, round: number) => {
      const size = 10 + (round >> 2);
      const list = Array.from({ length: 4 }, (_, at) => mark(session * 10 + at, { size: 10 }));
      return rowsOf(kept, `s${session}`, text(...list, mark(999, { size: size - 10 })), row);
    };
    const hits: number[] = [];
    for (let round = 0; round < 40; round++) {
      let count = 0;
      for (let session = 0; session < 10; session++) {
        const before = read.length;
        turn(session, round);
        if (read.length - before <= 1) count++;
      }
      hits.push(count);
    }
    expect(Math.min(...hits.slice(2))).toBeGreaterThanOrEqual(7);
  });

  it("count what a row takes beside its parts: a hundred thousand empty messages do not stay in memory", () => {
    const kept = new KeptRows<object>();
    const { read, row } = reading();
    const short = text(...Array.from({ length: 1000 }, (_, at) => mark(at, { size: 0 })));
    for (let session = 0; session < 100; session++) rowsOf(kept, `s${session}`, short, row);
    const before = read.length;
    // The newest are read first: reading another session's puts no kept one out before it is read.
    let stayed = 0;
    for (let session = 99; session >= 0; session--) {
      const known = read.length;
      rowsOf(kept, `s${session}`, short, row);
      if (read.length > known) break;
      stayed++;
    }
    expect(read.length).toBe(before + 1000);
    expect(stayed).toBeGreaterThan(4);
    expect(stayed).toBeLessThan(40);
  });
});

it("are forgotten where there are none: sessions without a message take no room", () => {
  const kept = new KeptRows<object>();
  const before = process.memoryUsage().heapUsed;
  for (let session = 0; session < 20_000; session++) {
    const name = Buffer.alloc(10_000, `session ${session} `).toString("latin1");
    rowsOf(kept, name, "", Object);
  }
  // The names alone have 200 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
});

describe("the history of a session", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let database: Database;

  beforeEach(() => {
    folder = temporaryFolder();
    database = Database.open(join(folder.path, "turnwire.db"));
  });
  afterEach(() => {
    database.close();
    folder.remove();
  });

  const message = (id: string, sessionId: string, parts: string, isSummary = false) => ({
    id,
    sessionId,
    parts,
    isSummary,
    run: 1,
    role: "user",
    createdAt: 1,
    model: undefined,
    provider: undefined,
  });

  it("is the same objects again where nothing changed", () => {
    const store = new MessageStore(database);
    for (const id of ["m1", "m2"]) store.insert(message(id, "s", "[]"));
    const history = new MessageHistory(database);
    const first = history.of("s", undefined);
    store.insert(message("m3", "s", "[]"));
    const second = history.of("s", undefined);
    expect(second.map(({ id }) => id)).toEqual(["m1", "m2", "m3"]);
    expect(second[0]).toBe(first[0]);
    expect(second[1]).toBe(first[1]);
  });

  it("is what the file has, whatever this server or another one has done to it", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("insert" as const), session: fc.nat(2), size: fc.nat(3) }),
      fc.record({ kind: fc.constant("update" as const), index: fc.nat(20), size: fc.nat(3) }),
      fc.record({ kind: fc.constant("delete" as const), index: fc.nat(20) }),
      fc.record({ kind: fc.constant("read" as const), session: fc.nat(2), summary: fc.nat(20) }),
    );
    const steps = fc.array(fc.record({ step, isOther: fc.boolean() }), {
      maxLength: 60,
      size: "max",
    });
    const other = Database.open(join(folder.path, "turnwire.db"));
    let session = 0;
    fc.assert(
      fc.property(steps, (history) => {
        session++;
        const kept = new MessageHistory(database);
        const ids: string[] = [];
        let now = 1;
        const at = (index: number) => ids[index % Math.max(1, ids.length)];
        for (const { step: one, isOther } of history) {
          now++;
          const file = isOther ? other : database;
          if (one.kind === "insert") {
            const id = `m${session} ${now}`;
            ids.push(id);
            const parts = JSON.stringify([{ type: "text", text: "x".repeat(one.size) }]);
            const isSummary = one.size === 3;
            new MessageStore(file).insert(
              message(id, `s${session} ${one.session}`, parts, isSummary),
            );
          } else if (one.kind === "update") {
            const parts = JSON.stringify([{ type: "text", text: "y".repeat(one.size) }]);
            new MessageStore(file).update(at(one.index) ?? "", parts, now);
          } else if (one.kind === "delete") {
            file.prepare("DELETE FROM messages WHERE id = ?").run(at(one.index) ?? "");
          } else {
            const id = `s${session} ${one.session}`;
            for (const summary of [undefined, at(one.summary)]) {
              expect(kept.of(id, summary)).toEqual(new MessageHistory(database).of(id, summary));
            }
          }
        }
      }),
      { numRuns: 60 },
    );
    other.close();
  });
});
