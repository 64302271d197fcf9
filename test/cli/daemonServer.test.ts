// Moments in the life of a daemon that random histories seldom meet (protocol.md section 2, The daemon).
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../helpers/outboxHouse.js";
import { onWindows, unless } from "../helpers/unless.js";
import { DaemonHouse, type Launch } from "./daemonHouse.js";

const onUnix = unless(it, onWindows, "its sockets are files");

/** A daemon that serves. */
async function serving(how: Partial<Launch> = {}) {
  const folder = temporaryFolder();
  const house = new DaemonHouse(folder.path, { onEnd() {} });
  const usual = { version: 1, startMs: 0, idleSeconds: 0, slowness: 0, fails: false };
  const begun = house.clock.now();
  const daemon = house.launch({ ...usual, ...how });
  const sockets: Socket[] = [];
  onTestFinished(() => {
    daemon.kill();
    for (const socket of sockets) socket.destroy();
    folder.remove();
  });
  while (!daemon.isListening) await house.wait(0);
  const connect = () => {
    const socket = createConnection(join(folder.path, "daemon.sock"));
    sockets.push(socket);
    socket.resume();
    return socket;
  };
  return { house, begun, daemon, connect };
}

onUnix("a client that connects at the moment of an idle end is served", async () => {
  const { house, begun, daemon, connect } = await serving({ idleSeconds: 2 });
  await house.wait(1900);
  // It is connected, and its daemon has not seen that yet.
  const socket = connect();
  const { clock } = house;
  const isDue = () => clock.now() + (clock.nextIn ?? 5000) <= begun + 2000;
  while (isDue()) clock.fireNext();
  await house.turn(60);
  expect(daemon).toMatchObject({ isAlive: true, isListening: true, isInPlace: true });
  expect(socket.closed).toBe(false);
  await house.wait(10_000);
  expect(daemon.isAlive).toBe(true);
  socket.end();
  await house.wait(10_000);
  expect(daemon).toMatchObject({ isAlive: false, code: 0 });
});

onUnix("a daemon that makes room stays with its client until its run has ended", async () => {
  const { house, daemon, connect } = await serving();
  const socket = connect();
  await house.turn(20);
  for (const [method, params] of [
    ["begin", {}],
    ["stopDaemon", { drain: true }],
  ] as const) {
    socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: method, method, params })}\n`);
    await house.turn(30);
  }
  expect(daemon).toMatchObject({ openRuns: 1, holdsLock: false, isListening: false });
  await house.wait(60_000);
  expect(daemon).toMatchObject({ openRuns: 1, isAlive: true });
  expect(socket.closed).toBe(false);
  daemon.endRun();
  await house.wait(20_000);
  expect(daemon).toMatchObject({ isAlive: false, code: 0 });
});
