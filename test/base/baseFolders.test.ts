import { userInfo } from "node:os";
import { isAbsolute } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { folderOf, homeFolder, temporaryFolder } from "../../src/base/baseFolders.js";

const noAccount = () => {
  throw new Error("no such user");
};

describe("a folder of the environment", () => {
  test.each([
    ["/x", "/x"],
    ["", undefined],
    [".", undefined],
    ["x/y", undefined],
    ["~", undefined],
    ["~/x", undefined],
    ["C:\\x", undefined],
    [undefined, undefined],
  ])("%j is %j", (value, folder) => {
    expect(folderOf({ XDG_STATE_HOME: value }, "XDG_STATE_HOME", "linux")).toBe(folder);
  });

  test("is absolute as its platform has it", () => {
    expect(folderOf({ APPDATA: "C:\\x" }, "APPDATA", "win32")).toBe("C:\\x");
    expect(folderOf({ APPDATA: "C:x" }, "APPDATA", "win32")).toBeUndefined();
  });
});

describe("the home", () => {
  test("is what the environment says, else the account's", () => {
    expect(homeFolder({ HOME: "/h" }, "linux", noAccount)).toBe("/h");
    expect(homeFolder({ USERPROFILE: "C:\\u" }, "win32", noAccount)).toBe("C:\\u");
    expect(homeFolder({}, "linux")).toBe(userInfo().homedir);
  });

  test.each([undefined, "", ".", "home"])("%j in the environment is no home", (HOME) => {
    expect(homeFolder({ HOME }, "linux", () => "/account")).toBe("/account");
    expect(homeFolder({ HOME }, "linux", noAccount)).toBeUndefined();
    expect(homeFolder({ HOME }, "linux", () => "")).toBeUndefined();
    expect(homeFolder({ HOME }, "linux", () => "account")).toBeUndefined();
  });
});

describe("the temporary folder", () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each(["here", ".", ""])("is absolute where TMPDIR is %j", (folder) => {
    vi.stubEnv("TMPDIR", folder);
    expect(isAbsolute(temporaryFolder())).toBe(true);
  });
});
