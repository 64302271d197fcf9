import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fileSystemTrouble } from "../../src/storage/folderProbe.js";

test("an ordinary folder can hold a shared database, and is left as it was", () => {
  const folder = mkdtempSync(join(tmpdir(), "folder-probe-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(fileSystemTrouble(folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

test("of a folder that is not there nothing is said: opening the database says more", () => {
  expect(fileSystemTrouble("/nowhere/at/all")).toBeUndefined();
});
