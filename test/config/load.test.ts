import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.js";
import { onWindows, unless } from "../helpers/unless.js";

let root: string;
let workspacePath: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "turnwire-config-")));
  workspacePath = join(root, "workspace");
  mkdirSync(workspacePath);
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, value: unknown) => {
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
};
const steps = (maxSteps: number) => ({ limits: { maxSteps } });
const load = (env: Record<string, string>, trusted = false) =>
  loadConfig({ workspacePath, trusted, env: { HOME: root, XDG_CONFIG_HOME: root, ...env } });

describe("the user's file", () => {
  test("is the one that TURNWIRE_CONFIG names, and may lie in its usual place otherwise", async () => {
    mkdirSync(join(root, "turnwire"));
    write(join(root, "turnwire", "config.json"), steps(1));
    const named = write(join(root, "named.json"), steps(2));
    expect((await load({})).limits.maxSteps).toBe(1);
    expect((await load({ TURNWIRE_CONFIG: "" })).limits.maxSteps).toBe(1);
    expect((await load({ TURNWIRE_CONFIG: named })).limits.maxSteps).toBe(2);
  });

  test("may be missing from its usual place, not from where it is said to be", async () => {
    expect((await load({})).limits.maxSteps).toBe(200);
    const path = join(root, "gone.json");
    await expect(load({ TURNWIRE_CONFIG: path })).rejects.toMatchObject({
      name: "ConfigInvalid",
      message: `${path}: there is no such file`,
    });
    await expect(
      loadConfig({ workspacePath, trusted: true, env: {}, userConfigPath: path }),
    ).rejects.toThrow("there is no such file");
  });

  test("may begin with a byte order mark", async () => {
    const path = write(join(root, "bom.json"), `\ufeff${JSON.stringify(steps(3))}`);
    expect((await load({ TURNWIRE_CONFIG: path })).limits.maxSteps).toBe(3);
  });

  unless(
    test,
    onWindows || process.getuid?.() === 0,
    "an unreadable file cannot be made on Windows, nor for root",
  )("that may not be read is told by name", async () => {
    const path = write(join(root, "secret.json"), {});
    chmodSync(path, 0);
    await expect(load({ TURNWIRE_CONFIG: path })).rejects.toThrow(
      `${path}: cannot be read (EACCES)`,
    );
  });

  test("that is a folder, too long, or not text is told by name", async () => {
    const long = write(join(root, "long.json"), " ".repeat(1024 * 1024 + 1));
    const binary = join(root, "binary.json");
    writeFileSync(binary, Buffer.from([0x7b, 0xff, 0x7d]));
    for (const [path, problem] of [
      [workspacePath, "is not a file"],
      [long, "is longer than 1 MiB"],
      [binary, "is not UTF-8"],
    ] as const) {
      await expect(load({ TURNWIRE_CONFIG: path })).rejects.toMatchObject({
        name: "ConfigInvalid",
        message: `${path}: ${problem}`,
        data: { file: path, issues: [{ path: "", message: problem }] },
      });
    }
  });

  unless(
    test,
    onWindows,
    "no named pipes in folders",
  )("that is a named pipe is not waited for", async () => {
    const path = join(root, "pipe.json");
    execFileSync("mkfifo", [path]);
    await expect(load({ TURNWIRE_CONFIG: path })).rejects.toThrow(`${path}: is not a file`);
  });
});

describe("the workspace's file", () => {
  const own = () => join(workspacePath, "turnwire.json");

  test("is read over the user's", async () => {
    const user = write(join(root, "user.json"), steps(50));
    write(own(), steps(60));
    expect((await load({ TURNWIRE_CONFIG: user }, true)).limits.maxSteps).toBe(60);
    const untrusted = await load({ TURNWIRE_CONFIG: user });
    expect(untrusted.limits.maxSteps).toBe(50);
    expect(untrusted.warnings).toHaveLength(1);
  });

  test("is told by its own name when it is wrong, trusted or not", async () => {
    write(own(), '{"permissions": {"deny": ["bash:rm*"],, }}');
    for (const trusted of [true, false]) {
      await expect(load({}, trusted)).rejects.toMatchObject({
        name: "ConfigInvalid",
        data: { file: own() },
      });
    }
  });

  test("is read through a link that stays inside", async () => {
    write(join(workspacePath, "real.json"), steps(7));
    symlinkSync("real.json", own());
    expect((await load({})).limits.maxSteps).toBe(7);
  });

  test("that links outside is read for a trusted workspace alone", async () => {
    symlinkSync(write(join(root, "elsewhere.json"), steps(8)), own());
    expect((await load({}, true)).limits.maxSteps).toBe(8);
    const untrusted = await load({});
    expect(untrusted.limits.maxSteps).toBe(200);
    expect(untrusted.warnings).toEqual([
      "turnwire.json is ignored: it links to a file outside the workspace, which is not trusted",
    ]);
  });

  test("that links to nothing is none", async () => {
    symlinkSync(join(root, "nowhere"), own());
    expect((await load({})).warnings).toEqual([]);
  });

  test("reads its variables from the environment that the caller gives", async () => {
    write(own(), {
      providers: { a: { type: "openai", apiKey: "$OF_THE_WORKSPACE" } },
    });
    const config = await load({ OF_THE_WORKSPACE: "k" }, true);
    expect(config.providers.get("a")?.apiKey).toBe("k");
  });
});
