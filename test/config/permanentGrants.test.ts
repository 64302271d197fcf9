// protocol.md section 7: the file of what was allowed for good.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GrantsUnreadable, PermanentGrants } from "../../src/config/permanentGrants.js";

const workspace = "/ws";
const grant = (command: string) => ({ rule: `bash:${command}`, workspace });

function folder(): string {
  return mkdtempSync(join(tmpdir(), "grants-"));
}

test("is made by the first grant, for its owner alone, and leaves nothing beside it", async () => {
  const parent = folder();
  const file = join(parent, "turnwire", "permissions.json");
  const grants = new PermanentGrants(file);
  expect([grants.list(), grants.has(grant("make"))]).toEqual([[], false]);
  await grants.add([grant("make"), grant("make all")]);
  await grants.add([grant("make")]);
  expect(grants.list()).toEqual([grant("make"), grant("make all")]);
  expect(readdirSync(join(parent, "turnwire"))).toEqual(["permissions.json"]);
  if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("of many servers at once loses no grant, and each sees what the others stored", async () => {
  const file = join(folder(), "permissions.json");
  const servers = Array.from({ length: 8 }, () => new PermanentGrants(file));
  for (const one of servers) expect(one.list()).toEqual([]);
  await Promise.all(servers.map((one, at) => one.add([grant(`make ${at}`)])));
  for (const one of servers) expect(one.list()).toHaveLength(8);
  expect(await servers[0]?.remove(({ rule }) => rule === "bash:make 3")).toEqual([grant("make 3")]);
  expect(servers[1]?.has(grant("make 3"))).toBe(false);
});

test.each([
  ["cut off", '{"allowAlways": [{"rule": "ba'],
  ["of another shape", '{"allowAlways": {"bash": true}}'],
  ["with an entry of another shape", '{"allowAlways": [{"rule": 1}]}'],
  ["no text", Buffer.from([0xff, 0xfe, 0x00])],
  ["empty", ""],
])("that is %s grants nothing, says so, and is never written over", async (_, content) => {
  const file = join(folder(), "permissions.json");
  writeFileSync(file, content);
  const grants = new PermanentGrants(file);
  expect(() => grants.has(grant("make"))).toThrow(GrantsUnreadable);
  await expect(grants.add([grant("make")])).rejects.toThrow(file);
  await expect(grants.remove(() => true)).rejects.toThrow(GrantsUnreadable);
  expect(readFileSync(file)).toEqual(Buffer.from(content));
  writeFileSync(file, JSON.stringify({ allowAlways: [] }));
  await grants.add([grant("make")]);
  expect(grants.list()).toEqual([grant("make")]);
});

test("keeps what a later version wrote, and stays the link that it is", async () => {
  const parent = folder();
  const real = join(parent, "real.json");
  const file = join(parent, "permissions.json");
  const later = { rule: "bash:x", workspace, until: 5 };
  writeFileSync(real, JSON.stringify({ version: 9, allowAlways: [later] }));
  symlinkSync(real, file);
  await new PermanentGrants(file).add([grant("make")]);
  const written = JSON.parse(readFileSync(real, "utf8"));
  expect(written).toEqual({ version: 9, allowAlways: [later, grant("make")] });
});

test("takes no grant with which it would be too large to be read", async () => {
  const file = join(folder(), "permissions.json");
  const grants = new PermanentGrants(file);
  const long = (at: number) => grant(`echo ${at} ${"x".repeat(1024 * 1024)}`);
  for (const at of [1, 2, 3]) await grants.add([long(at)]);
  await expect(grants.add([long(4)])).rejects.toThrow(/4 MiB/);
  expect(grants.list()).toHaveLength(3);
  await grants.add([grant("make")]);
  expect(new PermanentGrants(file).has(grant("make"))).toBe(true);
});

test("grants nothing by an entry of a later version, which may mean less by it", async () => {
  const file = join(folder(), "permissions.json");
  const later = { ...grant("make"), until: 5 };
  writeFileSync(file, JSON.stringify({ allowAlways: [later] }));
  const grants = new PermanentGrants(file);
  expect(grants.has(grant("make"))).toBe(false);
  await grants.add([grant("make")]);
  expect([grants.has(grant("make")), grants.list()]).toEqual([true, [later, grant("make")]]);
});
