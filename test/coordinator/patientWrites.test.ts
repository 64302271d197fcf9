// What a turn begins with shares the commit of the turn's first write.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { PatientWrites, type PatientWritesOptions } from "../../src/coordinator/patientWrites.js";
import { GroupCommit } from "../../src/storage/groupCommit.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";
import { openStored } from "../helpers/storedFile.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
let writes: PatientWrites;
/** Those of another run. */
let others: PatientWrites;
let shared: GroupCommit;
let options: PatientWritesOptions;
let made: string[];
let commits: number;
let refused: Error | undefined;

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  [made, commits, refused] = [[], 0, undefined];
  house.database.onWritten(() => commits++);
  shared = new GroupCommit(house.database, house.clock);
  options = { database: house.database, commits: shared, clock: house.clock };
  const refuse = () => {
    if (refused !== undefined) throw refused;
  };
  writes = new PatientWrites({ ...options, refuse });
  others = new PatientWrites(options);
});
afterEach(async () => {
  writes.close();
  others.close();
  await house.close();
  folder.remove();
});

const make = (name: string) => () => void made.push(name);

describe("a write with the next one", () => {
  it("comes before it, in one commit", async () => {
    writes.writeSoon(make("begun"));
    writes.write(make("said"));
    await house.clock.settle();
    expect(made).toEqual(["begun", "said"]);
    expect(commits).toBe(1);
  });

  it("belongs to a commit of several", () => {
    writes.writeSoon(make("begun"));
    writes.together(() => {
      writes.write(make("said"));
      writes.write(make("told"));
    }, false);
    expect(made).toEqual(["begun", "said", "told"]);
    expect(commits).toBe(1);
  });

  it("comes by itself where no other one comes", async () => {
    writes.writeSoon(make("begun"));
    expect(made).toEqual([]);
    await house.clock.settle();
    expect(made).toEqual(["begun"]);
    expect(commits).toBe(1);
  });

  it("is made with a later one if the next cannot be made", () => {
    writes.writeSoon(make("begun"));
    const impossible = () => {
      throw new Error("this cannot be stored");
    };
    expect(() => writes.write(impossible)).toThrow("this cannot be stored");
    made = [];
    writes.write(make("said"));
    expect(made).toEqual(["begun", "said"]);
  });

  it("is made no more once the writes are closed", async () => {
    writes.writeSoon(make("begun"));
    writes.close();
    await house.clock.settle();
    expect(made).toEqual([]);
  });
});

describe("a write with the next shared commit", () => {
  const insert = (id: string) => () =>
    void house.database.prepare("INSERT INTO notes (name, value) VALUES (?, '')").run(id);
  const stored = () =>
    house.database
      .prepare("SELECT name FROM notes WHERE name LIKE '% run' ORDER BY rowid")
      .all()
      .map(({ name }) => name);
  const end = (write: () => void) => ({
    isDurable: true,
    subjects: [],
    write,
    accepted: make("ended"),
    refused: (error: unknown) => void made.push(String(error)),
  });

  it("shares it with those of other runs, and with an end", async () => {
    writes.writeSoon(insert("one run"), make("one told"));
    others.writeSoon(insert("other run"), make("other told"));
    shared.join(
      end(() => {
        insert("ended run")();
        house.database.afterCommit(make("completed"));
      }),
    );
    expect(stored()).toEqual([]);
    await house.clock.settle();
    expect(stored()).toEqual(["one run", "other run", "ended run"]);
    // What a run tells comes before its completion, which may be in the same commit.
    expect(made).toEqual(["one told", "other told", "completed", "ended"]);
    expect(commits).toBe(1);
  });

  it("is made and told once where another work of that commit fails", async () => {
    writes.writeSoon(insert("one run"), make("one told"));
    shared.join(
      end(() => {
        throw new Error("no");
      }),
    );
    await house.clock.settle();
    expect(stored()).toEqual(["one run"]);
    expect(made).toEqual(["one told", "Error: no"]);
  });

  it("is made and told once where the commit itself fails", async () => {
    writes.writeSoon(insert("one run"), make("one told"));
    house.breakDisk();
    shared.commit();
    house.breakDisk(false);
    expect([stored(), made]).toEqual([[], []]);
    writes.write(insert("next run"));
    await house.clock.settle();
    expect(stored()).toEqual(["one run", "next run"]);
    expect(made).toEqual(["one told"]);
  });

  it("keeps no other from the disk where it is refused, and is made with a later one", async () => {
    refused = new Error("another server has this run now");
    writes.writeSoon(insert("one run"), make("one told"));
    others.writeSoon(insert("other run"), make("other told"));
    await house.clock.settle();
    expect(stored()).toEqual(["other run"]);
    expect(made).toEqual(["other told"]);
    expect(() => writes.write(insert("next run"))).toThrow(refused);
    refused = undefined;
    writes.write(insert("next run"));
    expect(stored()).toEqual(["other run", "one run", "next run"]);
    expect(made).toEqual(["other told", "one told"]);
  });

  it("comes in the next one where it came while a commit was told", async () => {
    writes.writeSoon(make("begun"), make("one told"));
    writes.write(make("said"));
    shared.join(
      end(() =>
        house.database.afterCommit(() => writes.writeSoon(insert("one run"), make("two told"))),
      ),
    );
    await house.clock.settle();
    expect(stored()).toEqual(["one run"]);
    expect(made).toEqual(["begun", "said", "one told", "ended", "two told"]);
  });

  it("is made where somebody looks at its run", () => {
    const looked = { ...options, subjects: ["a run"] };
    const mine = new PatientWrites(looked);
    mine.writeSoon(insert("one run"), make("one told"));
    shared.settle("another run");
    expect(stored()).toEqual([]);
    shared.settle("a run");
    expect([stored(), made]).toEqual([["one run"], ["one told"]]);
    mine.close();
  });

  it("comes behind what waits for another program already", async () => {
    const holder = openStored(join(folder.path, "turnwire.db"));
    house.database.waitBriefly(1);
    holder.exec("BEGIN IMMEDIATE");
    writes.write(insert("first run"));
    writes.writeSoon(insert("second run"), make("second told"));
    await house.clock.advance(1000);
    expect(made).toEqual(["second told"]);
    holder.exec("ROLLBACK");
    holder.close();
    await house.clock.advance(1000);
    expect(stored()).toEqual(["first run", "second run"]);
    expect(made).toEqual(["second told"]);
  });
});

describe("a write that meets a damaged place at the end of its run", () => {
  it("keeps the end from the disk for a few tries, and is told of nowhere then", () => {
    const damaged = new DomainError("StorageFailed", "damaged", { data: { sqliteCode: 11 } });
    let tries = 0;
    const fails = () => {
      tries++;
      throw damaged;
    };
    writes.writeSoon(fails, make("told"));
    const end = () =>
      house.database.write(() =>
        writes.writeWithin((error) => {
          throw error;
        }),
      );
    for (let n = 0; n < 8; n++) expect(end).toThrow(damaged);
    expect(writes.early.loss).toEqual({ error: damaged });
    expect(end).not.toThrow();
    expect([tries, made]).toEqual([8, []]);
    expect(() => writes.write(make("more"))).toThrow(damaged);
  });
});

describe("what follows a write that comes soon", () => {
  it("is told behind it, in order, and at once where nothing has to be told first", async () => {
    writes.early.afterwards(make("before"));
    writes.writeSoon(make("begun"), make("first"));
    writes.early.afterwards(() => {
      made.push("second");
      writes.early.afterwards(make("third"));
    });
    writes.writeSoon(make("said"), make("fourth"));
    writes.early.afterwards(make("fifth"));
    expect(made).toEqual(["before"]);
    await house.clock.settle();
    const all = ["before", "begun", "said", "first", "second", "fourth", "fifth", "third"];
    expect(made).toEqual(all);
    writes.early.afterwards(make("after"));
    expect(made.at(-1)).toBe("after");
  });
});

describe("what is told of a write", () => {
  it("comes after the commit of all that is written together", () => {
    writes.together(() => {
      writes.write(make("used"));
      writes.thenTell(make("told"));
      writes.write(make("filled"));
    }, false);
    expect(made).toEqual(["used", "filled", "told"]);
  });

  it("comes at once where nothing is written together", () => {
    writes.thenTell(make("told"));
    expect(made).toEqual(["told"]);
  });

  it("does not come if that cannot be written", () => {
    const fails = () =>
      writes.together(() => {
        writes.thenTell(make("told"));
        throw new Error("this cannot be made");
      }, false);
    expect(fails).toThrow("this cannot be made");
    writes.together(() => writes.write(make("said")), false);
    expect(made).toEqual(["said"]);
  });
});

describe("whether a write would be made", () => {
  it("is told without writing anything", () => {
    expect(writes.wouldWrite()).toBe(true);
    expect(commits).toBe(0);
  });

  it("is refused as a write is", () => {
    refused = new Error("another server has this run now");
    expect(() => writes.wouldWrite()).toThrow(refused);
  });
});
