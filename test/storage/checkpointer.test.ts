import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLog } from "../../src/base/log.js";
import { Checkpointer, quietMs } from "../../src/storage/checkpointer.js";
import { Database } from "../../src/storage/database.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { openStored } from "../helpers/storedFile.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let database: Database;
let clock: VirtualScheduler;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
  database = Database.open(file);
  database.checkpoint();
  clock = new VirtualScheduler();
});
afterEach(() => {
  database.close();
  folder.remove();
});

let written = 0;
/** Writes a page or more. */
function write(): void {
  database
    .prepare("INSERT INTO servers (id, startedAt) VALUES (?, 1)")
    .run(`${++written}`.padStart(10_000, "x"));
}
const size = () => statSync(file).size;

describe("the write-ahead log", () => {
  it("is moved into the file once nothing has been written for a second", async () => {
    new Checkpointer(database, clock, silentLog);
    const before = size();
    write();
    await clock.advance(quietMs - 1);
    expect(size()).toBe(before);
    await clock.advance(1);
    expect(size()).toBeGreaterThan(before);
  });

  it("is left alone while there are writes, in transactions or not", async () => {
    new Checkpointer(database, clock, silentLog);
    const before = size();
    for (let second = 0; second < 10; second++) {
      write();
      await clock.advance(quietMs / 2);
      database.write(write);
      await clock.advance(quietMs / 2);
    }
    expect(size()).toBe(before);
    await clock.advance(2 * quietMs);
    expect(size()).toBeGreaterThan(before);
  });

  it("wakes nobody who writes nothing, and nobody after the end", async () => {
    const checkpointer = new Checkpointer(database, clock, silentLog);
    expect(clock.pending).toBe(0);
    write();
    await clock.advance(2 * quietMs);
    expect(clock.pending).toBe(0);
    write();
    checkpointer.close();
    write();
    expect(clock.pending).toBe(0);
  });

  it("that cannot be moved is reported, and tried again after the next write", async () => {
    const { log, fields } = recordingLog();
    new Checkpointer(database, clock, log);
    vi.spyOn(database, "checkpoint").mockImplementationOnce(() => {
      throw new Error("the disk is full");
    });
    const before = size();
    write();
    await clock.advance(quietMs);
    expect(fields).toEqual([{ reason: "the disk is full" }]);
    write();
    await clock.advance(quietMs);
    expect(size()).toBeGreaterThan(before);
  });
});

describe("what was left for later", () => {
  it("is done once a second while there are writes, and in steps", async () => {
    const checkpointer = new Checkpointer(database, clock, silentLog);
    let left = 0;
    const steps: number[] = [];
    checkpointer.onRest(function* () {
      for (; left > 0; left--) {
        steps.push(clock.now());
        yield;
      }
    });
    for (let second = 1; second <= 3; second++) {
      left = 2;
      write();
      await clock.advance(quietMs / 2);
      write();
      await clock.advance(quietMs / 2 + 20);
      expect(steps).toHaveLength(2 * second);
    }
    // One behind the other, so that something else comes between them.
    for (const at of [0, 2, 4]) expect((steps[at + 1] ?? 0) - (steps[at] ?? 0)).toBe(1);
  });

  it("may write, which does not end the quiet, and comes before the log is moved", async () => {
    const checkpointer = new Checkpointer(database, clock, silentLog);
    const done: string[] = [];
    vi.spyOn(database, "checkpoint").mockImplementation(() => void done.push("moved"));
    checkpointer.onQuiet(() => done.push("quiet"));
    let left = 3;
    checkpointer.onRest(function* () {
      for (; left > 0; left--) {
        write();
        done.push("step");
        yield;
      }
    });
    write();
    await clock.advance(quietMs + 10);
    expect(done).toEqual(["step", "step", "step", "moved", "quiet"]);
    await clock.advance(10 * quietMs);
    expect(done).toHaveLength(5);
    expect(clock.pending).toBe(0);
  });

  it("waits for another second where something else is written between its steps", async () => {
    const checkpointer = new Checkpointer(database, clock, silentLog);
    const moved = vi.spyOn(database, "checkpoint");
    let left = 3;
    checkpointer.onRest(function* () {
      for (; left > 0; left--) yield;
    });
    write();
    await clock.advance(quietMs + 1);
    write();
    await clock.advance(10);
    expect(left).toBe(0);
    expect(moved).not.toHaveBeenCalled();
    await clock.advance(quietMs);
    expect(moved).toHaveBeenCalledTimes(1);
  });

  it("that fails keeps the log from nothing, and is tried again after the next write", async () => {
    const { log, fields } = recordingLog();
    const checkpointer = new Checkpointer(database, clock, log);
    const moved = vi.spyOn(database, "checkpoint");
    let tries = 0;
    checkpointer.onRest(function* () {
      tries++;
      yield;
      throw new Error("the disk is full");
    });
    write();
    await clock.advance(quietMs + 10);
    expect(moved).toHaveBeenCalledTimes(1);
    expect(fields).toEqual([{ reason: "the disk is full" }]);
    write();
    await clock.advance(quietMs + 10);
    expect(tries).toBe(2);
  });

  it("is tried again each second while another program holds the file, and ends with the server", async () => {
    const checkpointer = new Checkpointer(database, clock, silentLog);
    database.waitBriefly(1);
    const other = openStored(file);
    let left = 1;
    checkpointer.onRest(function* () {
      for (; left > 0; left--) {
        database.write(write);
        yield;
      }
    });
    write();
    other.exec("BEGIN IMMEDIATE");
    await clock.advance(5 * quietMs);
    expect([left, database.isHeld]).toEqual([1, true]);
    other.exec("ROLLBACK");
    other.close();
    await clock.advance(2 * quietMs);
    expect([left, database.isHeld, clock.pending]).toEqual([0, false, 0]);
    checkpointer.onRest(function* () {
      checkpointer.close();
      yield;
    });
    write();
    await clock.advance(5 * quietMs);
    expect(clock.pending).toBe(0);
  });
});
