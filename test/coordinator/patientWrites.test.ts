// What a turn begins with shares the commit of the turn's first write.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PatientWrites } from "../../src/coordinator/patientWrites.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
let writes: PatientWrites;
let made: string[];
let commits: number;
let refused: Error | undefined;

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  [made, commits, refused] = [[], 0, undefined];
  house.database.onWritten(() => commits++);
  writes = new PatientWrites({
    database: house.database,
    clock: house.clock,
    refuse() {
      if (refused !== undefined) throw refused;
    },
  });
});
afterEach(async () => {
  writes.close();
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
