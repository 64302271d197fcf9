import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigSource } from "../../src/config/source.js";

let root: string;
let userFile: string;
let workspaceFile: string;
let source: ConfigSource;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "turnwire-source-"));
  const workspacePath = join(root, "workspace");
  mkdirSync(workspacePath);
  mkdirSync(join(root, "turnwire"));
  userFile = join(root, "turnwire", "config.json");
  workspaceFile = join(workspacePath, "turnwire.json");
  source = new ConfigSource({ workspacePath, trusted: true, env: { XDG_CONFIG_HOME: root } });
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, maxSteps: number) =>
  writeFileSync(path, JSON.stringify({ limits: { maxSteps } }));
const stepsNow = async () => (await source.current()).limits.maxSteps;

test("the same object comes back while both files are as they were", async () => {
  write(userFile, 5);
  const first = await source.current();
  expect(await source.current()).toBe(first);
  write(workspaceFile, 6);
  const second = await source.current();
  expect(second).not.toBe(first);
  expect(await source.current()).toBe(second);
});

test("a file that comes, changes, is replaced and goes is seen each time", async () => {
  expect(await stepsNow()).toBe(200);
  write(userFile, 5);
  expect(await stepsNow()).toBe(5);
  write(workspaceFile, 60);
  expect(await stepsNow()).toBe(60);
  write(`${workspaceFile}.new`, 70);
  renameSync(`${workspaceFile}.new`, workspaceFile);
  expect(await stepsNow()).toBe(70);
  rmSync(workspaceFile);
  expect(await stepsNow()).toBe(5);
});

test("a change that keeps the length and the time of the last change is seen", async () => {
  write(userFile, 5);
  utimesSync(userFile, 1000, 1000);
  expect(await stepsNow()).toBe(5);
  write(`${userFile}.new`, 6);
  utimesSync(`${userFile}.new`, 1000, 1000);
  renameSync(`${userFile}.new`, userFile);
  expect(await stepsNow()).toBe(6);
});

test("a file that is wrong is an error each time, until it is put right", async () => {
  write(userFile, 5);
  await source.current();
  writeFileSync(userFile, "{");
  await expect(source.current()).rejects.toMatchObject({ name: "ConfigInvalid" });
  await expect(source.current()).rejects.toMatchObject({ name: "ConfigInvalid" });
  write(userFile, 9);
  expect(await stepsNow()).toBe(9);
});

test("reload reads again what has not changed", async () => {
  write(userFile, 5);
  const first = await source.current();
  const again = await source.reload();
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
  expect(await source.current()).toBe(again);
});
