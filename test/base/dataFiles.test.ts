import { describe, expect, it } from "vitest";
import { isLockedDataFile } from "../../src/base/dataFiles.js";

describe("the files that nothing but the database opens", () => {
  it.each([
    "/data/turnwire.db",
    "/data/turnwire.db-wal",
    "/data/turnwire.db-shm",
    "/data/turnwire.db-journal",
    "/data/Turnwire.DB",
    "/data/servers/srv_1.lock",
    "/data/Servers/srv_1.LOCK",
  ])("%s is one", (path) => {
    expect(isLockedDataFile(path)).toBe(true);
  });

  it.each([
    "/data/outputs/ws_1/turnwire.db.txt",
    "/data/servers",
    "/data/servers/readme.md",
    "/data/yarn.lock",
    "/data/turnwire.dbx",
  ])("%s is none", (path) => {
    expect(isLockedDataFile(path)).toBe(false);
  });
});
