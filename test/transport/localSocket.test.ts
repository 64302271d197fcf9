// The socket of a daemon, as far as its end is concerned (protocol.md section 2, The daemon).

import { once } from "node:events";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { listenLocally } from "../../src/transport/localSocket.js";
import { temporaryFolder } from "../helpers/outboxHouse.js";
import { onWindows, unless } from "../helpers/unless.js";

const folders: ReturnType<typeof temporaryFolder>[] = [];
afterAll(() => {
  for (const folder of folders) folder.remove();
});

const onUnix = unless(it, onWindows, "its sockets are files");
const owner = { userId: process.getuid?.(), setMask: (mask: number) => process.umask(mask) };

async function listen() {
  const folder = temporaryFolder();
  folders.push(folder);
  const path = join(folder.path, "a.sock");
  const taken: Socket[] = [];
  const listener = await listenLocally(path, owner, (socket) => void taken.push(socket));
  return { path, taken, listener };
}

describe("a local socket that is left", () => {
  onUnix("takes everybody whom the system has let in, and nobody after them", async () => {
    const { path, taken, listener } = await listen();
    // The system connects them at once; this process has not heard of them.
    const clients = Array.from({ length: 20 }, () => createConnection(path));
    await listener.leave(systemClock);
    expect(taken).toHaveLength(20);
    expect(existsSync(path)).toBe(false);
    const [first] = clients;
    const told = once(first as Socket, "data");
    for (const socket of taken) socket.end("well");
    expect(String(await told)).toBe("well");
    for (const socket of [...clients, ...taken]) socket.destroy();
  });

  onUnix("is removed, and what another one has put there is not", async () => {
    const { path, listener } = await listen();
    renameSync(path, `${path}.other`);
    writeFileSync(path, "of another one");
    expect(listener.isInPlace).toBe(false);
    await listener.leave(systemClock);
    expect(existsSync(path)).toBe(true);
  });
});
