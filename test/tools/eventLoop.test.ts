// Nothing that others write may keep everything else waiting.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HostileHouse, hostileInputs } from "../helpers/hostileInputs.js";
import { fewMs, longestHold, onThisMachine } from "../helpers/longestHold.js";

/** Some of them take a second, which is many on a machine that does other things too. */
const limitMs = 180_000;

let root: string;
let house: HostileHouse;
/** What is allowed here: a machine on which everything takes longer is given longer. */
let mostMs: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "turnwire-hold-"));
  await mkdir(join(root, "workspace"));
  house = new HostileHouse(join(root, "workspace"));
  mostMs = onThisMachine(200, 30);
});
afterAll(async () => {
  await house.close();
  await rm(root, { recursive: true, force: true });
});

test(
  "what holds the event loop is seen",
  async () => {
    const held = await longestHold(async () => {
      for (let n = 0; n < 400; n++) fewMs();
    });
    expect(held).toBeGreaterThan(mostMs);
  },
  limitMs,
);

const inputs = hostileInputs(10_000);

test.each(inputs)("$what holds nothing up", { timeout: limitMs }, async ({ prepare }) => {
  const work = await prepare(house);
  // What is compiled and loaded the first time is no input's fault.
  await longestHold(work);
  const held = await longestHold(work);
  expect(held).toBeLessThan(mostMs);
});
