import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import {
  findInstalledServer,
  findServer,
  ServerNotFoundError,
  TurnwireClient,
} from "../../src/client/index.js";
import { unless } from "../helpers/unless.js";

const scratch = mkdtempSync(join(tmpdir(), "turnwire-find-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const own = fileURLToPath(new URL("../../bin/turnwire.js", import.meta.url));

/** A program that ships the package. */
function program(name: string): { readonly folder: string; readonly launcher: string } {
  const folder = join(scratch, name);
  const shipped = join(folder, "node_modules", "turnwire");
  mkdirSync(join(shipped, "bin"), { recursive: true });
  writeFileSync(join(shipped, "package.json"), '{"name":"turnwire"}');
  writeFileSync(join(shipped, "bin", "turnwire.js"), "");
  return { folder, launcher: join(shipped, "bin", "turnwire.js") };
}

describe("findServer", () => {
  it("finds the launcher of the package that it belongs to", () => {
    expect(findServer()).toBe(own);
  });

  it("finds the one that a program ships, from its folder and from below it", () => {
    const { folder, launcher } = program("extension");
    mkdirSync(join(folder, "dist"));
    expect(findServer({ from: folder })).toBe(launcher);
    expect(findServer({ from: join(folder, "dist") })).toBe(launcher);
    expect(findServer({ from: relative(process.cwd(), folder) })).toBe(launcher);
    expect(findServer({ from: join(folder, "node_modules", "turnwire") })).toBe(launcher);
  });

  it("says where it looked and what to do where there is none", () => {
    const empty = mkdtempSync(join(scratch, "empty-"));
    const find = () => findServer({ from: empty });
    expect(find).toThrow(ServerNotFoundError);
    expect(find).toThrow(join(empty, "node_modules", "turnwire"));
    expect(find).toThrow("dependencies");
  });
});

describe("findInstalledServer", () => {
  const onPosix = (name: string, test: () => void) =>
    unless(it, process.platform === "win32", "programs have other names on Windows")(name, test);

  onPosix("finds a program on the PATH, and passes over what is none", () => {
    const [first = "", second = "", third = ""] = ["a", "b", "c"].map((name) => {
      const folder = join(scratch, name);
      mkdirSync(folder);
      return folder;
    });
    mkdirSync(join(first, "turnwire"));
    writeFileSync(join(second, "turnwire"), "no program");
    writeFileSync(join(third, "turnwire"), "#!/bin/sh\n");
    chmodSync(join(third, "turnwire"), 0o755);
    const path = ["relative", first, second, third].join(delimiter);
    expect(findInstalledServer({ PATH: path })).toBe(join(third, "turnwire"));
    expect(findInstalledServer({ PATH: relative(process.cwd(), third) })).toBeUndefined();
    expect(findInstalledServer({})).toBeUndefined();
  });
});

describe("options of the program", () => {
  it("that do not go together are refused", async () => {
    const both = TurnwireClient.spawn({ command: "turnwire", server: own });
    await expect(both).rejects.toThrow("leave out `server` and `nodePath`, or `command`");
  });
});
