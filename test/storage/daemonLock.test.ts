// The lock of a data directory's daemon (protocol.md section 2, The daemon).
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, expect, it } from "vitest";
import { daemonLockName } from "../../src/base/dataFiles.js";
import { isDaemonLockHeld, takeDaemonLock } from "../../src/storage/daemonLock.js";
import { temporaryFolder } from "../helpers/outboxHouse.js";
import { promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";

const folders: ReturnType<typeof temporaryFolder>[] = [];
afterAll(() => {
  for (const folder of folders) folder.remove();
});

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder.path;
}

/** A client in the middle of its look at a lock that was held before. */
async function lookAt(folder: string) {
  (await takeDaemonLock(folder, new VirtualScheduler()))?.release();
  const look = new DatabaseSync(join(folder, daemonLockName), { readOnly: true });
  look.exec("BEGIN");
  look.prepare("SELECT count(*) FROM sqlite_master").get();
  return look;
}

it("is held by one, until it is released", async () => {
  const folder = newFolder();
  const clock = new VirtualScheduler();
  const first = await takeDaemonLock(folder, clock);
  expect(isDaemonLockHeld(folder)).toBe(true);
  expect(await takeDaemonLock(folder, clock)).toBeUndefined();
  first?.release();
  expect(isDaemonLockHeld(folder)).toBe(false);
  const second = await takeDaemonLock(folder, clock);
  expect(second?.isInPlace).toBe(true);
  second?.release();
});

it("is taken although a client looks at this moment whether it is held", async () => {
  const folder = newFolder();
  const look = await lookAt(folder);
  const clock = new VirtualScheduler();
  const taking = takeDaemonLock(folder, clock);
  await promisesHaveRun();
  look.exec("COMMIT");
  await clock.advance(10);
  const lock = await taking;
  expect(lock?.isInPlace).toBe(true);
  lock?.release();
  look.close();
});

it("is told to be out of reach where somebody reads it all the time", async () => {
  const folder = newFolder();
  const look = await lookAt(folder);
  const clock = new VirtualScheduler();
  const refused = expect(takeDaemonLock(folder, clock)).rejects.toMatchObject({
    name: "StorageFailed",
    message: expect.stringContaining("another program reads"),
  });
  await clock.advance(2000);
  await refused;
  look.exec("COMMIT");
  look.close();
});
