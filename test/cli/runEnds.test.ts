// How `turnwire run` ends: exit codes, and what programs are told.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { unless } from "../helpers/unless.js";
import { createHarness, type Harness, launcher, offlineEnvironment } from "./runHarness.js";

let harness: Harness;
beforeEach(() => {
  harness = createHarness();
});
afterEach(() => harness.remove());

const bash = (command: string) => `@tool bash ${JSON.stringify({ command })}`;
const json = () => JSON.parse(harness.stdoutText());

/** A clock whose timer of seven seconds is the test's. */
function heldTimeout(): { clock: Clock; expire(): void } {
  const timers: (() => void)[] = [];
  const after: Clock["after"] = (ms, run) => {
    if (ms !== 7_000) return systemClock.after(ms, run);
    timers.push(run);
    return { cancel() {} };
  };
  return { clock: { ...systemClock, after }, expire: () => timers.map((run) => run()) };
}

describe("a run whose attempts were denied", () => {
  it("says how many, and exits with 3 where it did nothing else", async () => {
    const prompt = `${bash("touch a")}\n@tool ls {}\n${bash("touch b")}\n@say Done.`;
    expect(await harness.run({ prompt, permissionMode: "deny", output: "json" })).toBe(3);
    expect(json()).toMatchObject({ status: "succeeded", denials: 2 });
    expect(harness.stderrText()).toContain("2 permissions were denied");
  });

  it("exits with 3 too where it was ended for it", async () => {
    const prompt = [1, 2, 3, 4, 5].map((n) => bash(`touch ${n}`)).join("\n");
    expect(await harness.run({ prompt, permissionMode: "deny", output: "json" })).toBe(3);
    expect(json()).toMatchObject({ status: "failed", errorName: "PermissionDenied" });
  });

  it("that did nothing but look exits with 0 where nothing was denied", async () => {
    expect(await harness.run({ prompt: "@tool ls {}\n@say Done.", output: "json" })).toBe(0);
    expect(json()).not.toHaveProperty("denials");
  });
});

describe("an end that a program is told", () => {
  it("after --timeout is a limit, with exit code 4", async () => {
    const { clock, expire } = heldTimeout();
    const options = { prompt: `${bash("echo begun")}\n@wait 60000`, output: "json" } as const;
    const exitCode = harness.run({ ...options, permissionMode: "allow", timeoutSeconds: 7 }, clock);
    await harness.stderrShows(/echo begun/);
    expire();
    expect(await exitCode).toBe(4);
    expect(json()).toMatchObject({
      status: "failed",
      cancelled: false,
      cause: "limit",
      errorName: "TimeLimit",
      error: expect.stringContaining("timeout"),
      completionId: expect.any(String),
    });
  });

  it("after --timeout before the prompt was read is one too", async () => {
    const { clock, expire } = heldTimeout();
    const exitCode = harness.run({ prompt: "-", output: "json", timeoutSeconds: 7 }, clock);
    expire();
    expect(await exitCode).toBe(4);
    expect(json()).toMatchObject({ status: "failed", cause: "limit", errorName: "TimeLimit" });
  });

  it.each([
    ["a folder that does not exist", { prompt: "p", cwd: "no-such" }, 1, "PathNotFound"],
    ["a session that does not exist", { prompt: "p", session: "no" }, 1, "SessionNotFound"],
    ["an empty prompt", { prompt: " " }, 2, "InvalidParams"],
    ["a prompt with a NUL", { prompt: "a\0b" }, 2, "InvalidParams"],
  ])("for %s is JSON as well", async (_, options, code, errorName) => {
    expect(await harness.run({ ...options, output: "json" })).toBe(code);
    expect(json()).toMatchObject({ status: "failed", text: "", errorName });
    expect(harness.stderrText()).toMatch(/^turnwire run: .+\n$/);
    const stream = createHarness();
    expect(await stream.run({ ...options, output: "stream-json" })).toBe(code);
    expect(JSON.parse(stream.stdoutText())).toMatchObject({
      method: "runRefused",
      params: { errorName },
    });
    stream.remove();
  });

  it("for an interrupt before acceptance is JSON", async () => {
    const exitCode = harness.run({ prompt: "-", output: "json" });
    harness.interrupt();
    expect(await exitCode).toBe(130);
    expect(json()).toMatchObject({ status: "cancelled", cancelled: true, cause: "user" });
  });
});

describe("a prompt on stdin", () => {
  it.each([
    ["that is no text", Buffer.from([0x80, 0xff, 0x00, 0x01]), /no UTF-8 text/],
    ["with a NUL", Buffer.from("@say a\0b"), /NUL/],
    ["of nothing but a byte order mark", Buffer.from("\ufeff"), /empty/],
  ])("%s is bad usage in one line", async (_, bytes, words) => {
    const exitCode = harness.run({ prompt: "-" });
    harness.stdin.end(bytes);
    expect(await exitCode).toBe(2);
    expect(harness.stderrText()).toMatch(words);
    expect(harness.stderrText()).toMatch(/^turnwire run: .+\n$/);
  });

  it.each([
    ["a byte order mark", Buffer.from("\ufeff@say Fine.")],
    ["carriage returns", Buffer.from("@say Fine.\r\n")],
    ["UTF-16", Buffer.from("\ufeff@say Fine.", "utf16le")],
  ])("with %s is read as what it is", async (_, bytes) => {
    const exitCode = harness.run({ prompt: "-" });
    harness.stdin.end(bytes);
    expect(await exitCode).toBe(0);
    expect(harness.stdoutText().trim()).toBe("Fine.");
  });
});

describe("the program's own streams", () => {
  const env = () => ({ ...process.env, ...offlineEnvironment(harness.folder) });
  const args = (...more: string[]) => [
    launcher,
    "run",
    "--data-dir",
    join(harness.folder, "d"),
    ...more,
  ];
  const onFull = unless(it, !existsSync("/dev/full"), "there is no /dev/full");

  onFull("that are full are told, exit with 5, and acknowledge nothing", async () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, args("--output", "json", "@say Hi."), {
      cwd: harness.folder,
      env: env(),
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    expect({ status, stderr: String(stderr) }).toEqual({
      status: 5,
      stderr: expect.stringMatching(/^turnwire run: stdout could not be written: .*ENOSPC.*\n$/),
    });
  });

  it.each([["doctor"], ["schema"], ["--help"], ["--version"]])(
    "that nobody reads are no crash of %s",
    async (command) => {
      const child = spawn(process.execPath, [launcher, command], {
        env: env(),
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout.destroy();
      let stderr = "";
      child.stderr.on("data", (chunk) => {
        stderr += chunk;
      });
      const [code] = await once(child, "close");
      expect(stderr).not.toMatch(/\n\s+at /);
      // A short output may have gone into the pipe before it was closed.
      expect([0, 1, 5]).toContain(code);
      expect(stderr).not.toMatch(/could not be written|EPIPE/);
    },
  );

  onFull("that are full are told by every command", () => {
    for (const command of ["doctor", "schema", "--help", "--version"]) {
      const full = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(process.execPath, [launcher, command], {
        env: env(),
        stdio: ["ignore", full, "pipe"],
      });
      closeSync(full);
      expect({ command, status, stderr: String(stderr) }).toEqual({
        command,
        status: 5,
        stderr: expect.stringMatching(/^turnwire: stdout could not be written: .*\n$/),
      });
    }
  });

  it("are given the end of a run that SIGTERM cancels", async () => {
    const child = spawn(
      process.execPath,
      args("--output", "json", `${bash("echo begun")}\n@wait 60000`, "--permission-mode", "allow"),
      {
        cwd: harness.folder,
        env: env(),
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    await once(child.stderr, "data");
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([130, null]);
    expect(JSON.parse(stdout)).toMatchObject({ status: "cancelled", cause: "user" });
  });
});
