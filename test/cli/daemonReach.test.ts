// What a command hears of a daemon that does not answer (protocol.md section 2, The daemon).

import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { DaemonReach, LostDaemon } from "../../src/cli/daemonReach.js";
import { takeDaemonLock } from "../../src/storage/daemonLock.js";
import { temporaryFolder } from "../helpers/outboxHouse.js";
import { onWindows, unless } from "../helpers/unless.js";
import { promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";

const onUnix = unless(it, onWindows, "its sockets are files");
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

/** A process that holds the place of a daemon, and does with its clients what a test says. */
async function open(onClient: (socket: Socket) => void) {
  const folder = temporaryFolder();
  cleanups.push(() => folder.remove());
  const clock = new VirtualScheduler();
  const lock = await takeDaemonLock(folder.path, clock);
  cleanups.push(() => lock?.release());
  const path = join(folder.path, "daemon.sock");
  const server: Server = createServer(onClient);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  cleanups.push(() => server.close());
  chmodSync(path, 0o600);
  return { reach: reachOf(folder.path, clock), clock };
}

function reachOf(dataDirectory: string, clock: VirtualScheduler): DaemonReach {
  return new DaemonReach({
    dataDirectory,
    env: {},
    platform: process.platform,
    userId: process.getuid?.(),
    clock,
    launch: () => expect.fail("nothing is started"),
    lifeOf: () => undefined,
  });
}

/** Turns of the event loop until something is there. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await promisesHaveRun();
  }
}

describe("a request to a daemon", () => {
  onUnix("that is stopped ends after a while, and says that one lives", async () => {
    const sockets: Socket[] = [];
    const { reach, clock } = await open((socket) => void sockets.push(socket));
    let told: unknown;
    void reach.ask("daemonStatus", {}).catch((error: unknown) => {
      told = error;
    });
    await until(() => clock.nextIn);
    await clock.advance(29_999);
    expect(told).toBeUndefined();
    await clock.advance(1);
    expect(String(told)).toContain("lives, but does not answer");
    expect(clock.pending).toBe(0);
    for (const socket of sockets) socket.destroy();
  });

  onUnix("that is lost meanwhile says so, and waits for nothing", async () => {
    const { reach, clock } = await open((socket) => {
      socket.once("data", () => socket.destroy());
    });
    await expect(reach.ask("daemonStatus", {})).rejects.toThrow(LostDaemon);
    expect(clock.pending).toBe(0);
  });

  onUnix("that has refused is the daemon's own answer", async () => {
    const { reach } = await open((socket) => {
      socket.once("data", () =>
        socket.write('{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"not now"}}\n'),
      );
    });
    const refused = await reach.ask("daemonStatus", {}).catch((error: unknown) => error);
    expect(refused).not.toBeInstanceOf(LostDaemon);
    expect(String(refused)).toContain("not now");
  });
});

describe("a client of a daemon that holds the lock and does not listen yet", () => {
  /** What its connecting comes to. */
  async function connecting() {
    const folder = temporaryFolder();
    cleanups.push(() => folder.remove());
    const clock = new VirtualScheduler();
    const lock = await takeDaemonLock(folder.path, clock);
    cleanups.push(() => lock?.release());
    const told: string[] = [];
    void reachOf(folder.path, clock)
      .connect()
      .then(
        (socket) => {
          cleanups.push(() => socket.destroy());
          told.push("connected");
        },
        (error: unknown) => void told.push(String(error)),
      );
    await clock.advance(5000);
    expect(told).toEqual([]);
    const end = async () => {
      while (told.length === 0) await clock.advance(50);
      return told[0];
    };
    return { path: join(folder.path, "daemon.sock"), end };
  }

  onUnix("waits for it", async () => {
    const { path, end } = await connecting();
    const server = createServer((socket) => void cleanups.push(() => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    cleanups.push(() => server.close());
    chmodSync(path, 0o600);
    expect(await end()).toBe("connected");
  });

  onUnix("is told that one lives, if that never happens", async () => {
    expect(await (await connecting()).end()).toMatch(/lives, but does not listen/);
  });
});
