// The order in which a daemon takes and leaves its place: what is under way when it makes room, or when a
// client comes at the last moment (protocol.md section 2, The daemon).
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import type { DaemonNote } from "../../src/cli/daemonPlace.js";
import { DaemonSeat, type DaemonSeatOptions } from "../../src/cli/daemonSeat.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";

/** A seat whose socket is left, and whose note is written, when a test says so. */
function seat() {
  const did: string[] = [];
  const left = new Deferred<void>();
  const written = new Deferred<void>();
  let note: DaemonNote | undefined;
  const place = {
    dataDirectory: "/data",
    newAddress: () => "/data/daemon.sock",
    get note() {
      return note;
    },
    async write(next: DaemonNote) {
      did.push(`writes ${next.state}`);
      await written.promise;
      note = next;
      did.push(`has written ${next.state}`);
    },
    forget: () => void did.push("forgets the note"),
  };
  const lock = { isInPlace: true, release: () => void did.push("releases the lock") };
  const listen = async () => {
    did.push("listens");
    return {
      isInPlace: true,
      close() {},
      async leave() {
        did.push("leaves the socket");
        await left.promise;
        did.push("has left the socket");
      },
    };
  };
  const io = { clock: new VirtualScheduler(), version: "1", processId: 1 };
  const { log } = recordingLog();
  const options = { place, lock, listen, io, log, accept() {} } as unknown as DaemonSeatOptions;
  const setNote = (next: DaemonNote | undefined) => {
    note = next;
  };
  return { seat: new DaemonSeat(options), did, left, written, setNote };
}

const serving = ["listens", "writes serving", "has written serving"];

/** One that serves. */
async function taken() {
  const opened = seat();
  opened.written.resolve();
  await opened.seat.take();
  opened.did.length = 0;
  return opened;
}

describe("a daemon that makes room", () => {
  it("holds the lock until it has left the socket and the note", async () => {
    const { seat: one, did, left } = await taken();
    const made = one.makeRoom();
    await promisesHaveRun();
    expect(did).toEqual(["leaves the socket"]);
    left.resolve();
    await made;
    const rest = ["has left the socket", "forgets the note", "releases the lock"];
    expect(did).toEqual(["leaves the socket", ...rest]);
  });

  it("waits for the note that it is writing, which would be in the place of the next one's", async () => {
    const { seat: one, did, left, written } = seat();
    left.resolve();
    const taking = one.take();
    await promisesHaveRun();
    const made = one.makeRoom();
    await promisesHaveRun();
    expect(did).toEqual(serving.slice(0, 2));
    written.resolve();
    await Promise.all([taking, made]);
    expect(did.slice(0, 3)).toEqual(serving);
    expect(did.at(-1)).toBe("releases the lock");
  });

  it("writes no note any more", async () => {
    const { seat: one, did, left } = await taken();
    left.resolve();
    await one.makeRoom();
    did.length = 0;
    await one.announce();
    await one.keep();
    expect(did).toEqual([]);
  });
});

describe("a daemon that nobody needs", () => {
  it("leaves if that is still so when nobody can come any more", async () => {
    const { seat: one, did, left } = await taken();
    const asked: string[] = [];
    const leaving = one.leaveUnless(() => {
      asked.push(...did);
      return false;
    });
    await promisesHaveRun();
    expect(asked).toEqual([]);
    left.resolve();
    expect(await leaving).toBe(true);
    expect(asked).toEqual(["leaves the socket", "has left the socket"]);
  });

  it("listens anew for a client that came meanwhile, and keeps the lock", async () => {
    const { seat: one, did, left } = await taken();
    left.resolve();
    expect(await one.leaveUnless(() => true)).toBe(false);
    expect(did).toEqual(["leaves the socket", "has left the socket", ...serving]);
  });
});

describe("a daemon that serves", () => {
  it.each([
    ["is gone", undefined],
    ["is another one's", { pid: 2, address: "/data/daemon.sock" }],
    ["leads elsewhere", { pid: 1, address: "/gone" }],
  ])("writes its note again if that %s, and only then", async (_, changed) => {
    const { seat: one, did, setNote } = await taken();
    await one.keep();
    expect(did).toEqual([]);
    setNote(changed as DaemonNote | undefined);
    await one.keep();
    await one.keep();
    expect(did).toEqual(serving.slice(1));
  });
});
