// Where a server is started, and where it is told to keep its data: odd places, told in words.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { TurnwireClient } from "../../src/client/index.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";

const launcher = inject("serverScript");
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "odd-places-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = () => ({ PATH: process.env.PATH, HOME: root, XDG_CONFIG_HOME: root });

/** Runs the built program to its end, with an empty stdin. */
function turnwire(
  args: readonly string[],
  env: Record<string, string | undefined> = environment(),
): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], {
    env,
    encoding: "utf8",
    input: "",
    timeout: 120_000,
    cwd: "/",
  });
  return { code: status, stdout, stderr };
}

/** Runs it in a folder that is removed, or closed, just before it starts. */
function fromLostFolder(args: readonly string[], lose = 'rmdir "$0"'): Ended {
  const folder = join(root, "lost");
  mkdirSync(folder, { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    "sh",
    ["-c", `cd "$0" && ${lose} && exec "$@"`, folder, process.execPath, launcher, ...args],
    { env: environment(), encoding: "utf8", input: "", timeout: 120_000 },
  );
  return { code: status, stdout, stderr };
}

const stack = /^\s+at /m;

describe("a data directory that cannot be made", () => {
  const cases: [string, () => string][] = [
    ["below /proc, where the system calls every parent missing", () => "/proc/foo/bar"],
    [
      "below a file",
      () => {
        writeFileSync(join(root, "file"), "");
        return join(root, "file", "data");
      },
    ],
    [
      "behind a link that leads nowhere",
      () => {
        symlinkSync(join(root, "nowhere"), join(root, "link"));
        return join(root, "link", "data");
      },
    ],
  ];

  unless(it, notOnLinux, "/proc is such a folder, and Linux alone has it").each(cases)(
    "%s, is told by its path, and the server ends (Linux: /proc)",
    (_where, make) => {
      const path = make();
      const { code, stdout, stderr } = turnwire(["serve", "--data-dir", path]);
      expect(code).toBe(1);
      expect(stdout).toBe("");
      expect(stderr).toContain(`turnwire: The folder ${path} cannot be made`);
      expect(stderr).not.toMatch(stack);
    },
  );

  unless(it, notOnLinux, "/proc is such a folder, and Linux alone has it").each(cases)(
    "%s, is a problem for doctor (Linux: /proc)",
    (_where, make) => {
      const { code, stdout } = turnwire(["doctor", "--data-dir", make()]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^data directory {2}PROBLEM: /m);
      expect(stdout).not.toContain("will be created");
    },
  );

  unless(
    it,
    notOnLinux,
    "/proc is such a folder, and Linux alone has it",
  )("is told by `turnwire run` and by the library with its reason (Linux: /proc)", async () => {
    const { code, stderr } = turnwire(["run", "--data-dir", "/proc/foo/bar", "@say hi"]);
    expect(code).toBe(1);
    expect(stderr).toContain("The folder /proc/foo/bar cannot be made");
    const spawned = TurnwireClient.spawn({
      command: process.execPath,
      args: [launcher, "serve"],
      dataDir: "/proc/foo/bar",
    });
    await expect(spawned).rejects.toThrow(/ended with code 1: The folder \/proc\/foo\/bar cannot/);
  });
});

unless(
  describe,
  onWindows,
  "Windows keeps a working directory",
)("a working directory that is gone", () => {
  const absolute = () => ["--data-dir", join(root, "data")];

  it("is no matter to a server with a data directory of its own", () => {
    expect(fromLostFolder(["serve", ...absolute()])).toMatchObject({ code: 0, stdout: "" });
    expect(fromLostFolder(["serve"])).toMatchObject({ code: 0, stdout: "" });
  });

  it("is no matter to a run somewhere else", () => {
    const ended = fromLostFolder(["run", "--cwd", root, ...absolute(), "@say here"]);
    expect(ended).toMatchObject({ code: 0, stdout: "here\n" });
  });

  it("is told by a run that would work there, and by a relative path", () => {
    for (const args of [
      ["run", ...absolute(), "@say here"],
      ["run", "--cwd", "below", ...absolute(), "@say here"],
      ["serve", "--data-dir", "data"],
      ["doctor", "--cwd", "below"],
    ]) {
      const { code, stdout, stderr } = fromLostFolder(args);
      expect(code).not.toBe(0);
      expect(stdout).toBe("");
      expect(stderr).toContain("give an absolute path");
      expect(stderr).not.toMatch(stack);
    }
  });

  it("is told by doctor, which looks at the rest", () => {
    const { code, stdout } = fromLostFolder(["doctor", ...absolute()]);
    expect(stdout).toContain("none: the folder in which this was started is gone");
    expect(stdout).toContain("all well");
    expect(code).toBe(0);
  });

  unless(
    it,
    process.getuid?.() !== 0 || notOnLinux,
    "another user can only be had as root, on Linux",
  )(
    "or may not be entered by a user without rights is no matter either (as root on Linux: setpriv)",
    () => {
      chmodSync(root, 0o755);
      mkdirSync(join(root, "data"));
      chownSync(join(root, "data"), 12_345, 12_345);
      const [node, ...rest] = [process.execPath, launcher];
      const script = [
        ...["cd", '"$0"', "&&", "exec", "setpriv", "--reuid=12345", "--regid=12345"],
        ...["--clear-groups", '"$@"'],
      ].join(" ");
      const folder = join(root, "closed");
      mkdirSync(folder, { mode: 0o700 });
      for (const args of [
        ["serve", "--data-dir", join(root, "data")],
        ["run", "--cwd", "/", "--data-dir", join(root, "data"), "@say here"],
      ]) {
        const { status, stderr } = spawnSync(
          "sh",
          ["-c", script, folder, node ?? "", ...rest, ...args],
          { env: { PATH: process.env.PATH }, encoding: "utf8", input: "" },
        );
        expect(stderr).not.toMatch(stack);
        expect(status).toBe(0);
      }
    },
  );
});

describe("doctor tells", () => {
  unless(
    it,
    process.getuid?.() === 0,
    "root may read every file",
  )("a file that it may not read (not as root)", () => {
    mkdirSync(join(root, "turnwire"));
    writeFileSync(join(root, "turnwire", "config.json"), "{}", { mode: 0 });
    expect(turnwire(["doctor"]).stdout).toMatch(/^user file {7}PROBLEM: .*not permit/m);
  });

  it("a configuration that is a link to nothing, or a folder", () => {
    mkdirSync(join(root, "turnwire"));
    symlinkSync(join(root, "nowhere"), join(root, "turnwire", "config.json"));
    mkdirSync(join(root, "turnwire.json"));
    const { code, stdout } = turnwire(["doctor", "--cwd", root]);
    expect(stdout).toMatch(/^user file {7}PROBLEM: .* is a link to .*nowhere, which is not there/m);
    expect(stdout).toMatch(/^workspace file {2}PROBLEM: .*turnwire\.json is no file/m);
    expect(code).toBe(1);
  });
});

describe("a server that does not come up", () => {
  it("is ended when its time is over, with a script that stands before it", async () => {
    const mark = uniqueSeconds();
    const spawned = TurnwireClient.spawn({
      command: "sh",
      args: ["-c", `sleep ${mark} & wait`],
      startTimeoutMs: 300,
    });
    await expect(spawned).rejects.toThrow("did not answer `initialize` within 0.3 s");
    await expect.poll(() => processesWith(`sleep ${mark}`)).toEqual([]);
  });

  it("is told by what it wrote last, and not by its log or its stack", async () => {
    const script = `
      console.error('{"level":30,"msg":"a record"}');
      console.error("turnwire: no room on the disk");
      console.error('{"level":50,"msg":"the server could not start"}');
      process.exitCode = 1;`;
    const own = TurnwireClient.spawn({ command: process.execPath, args: ["-e", script] });
    await expect(own).rejects.toThrow("the server ended with code 1: no room on the disk");
    const thrown = TurnwireClient.spawn({
      command: process.execPath,
      args: ["-e", "throw new TypeError('of its own')"],
    });
    await expect(thrown).rejects.toThrow("the server ended with code 1: TypeError: of its own");
  });
});
