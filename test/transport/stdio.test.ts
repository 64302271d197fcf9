import { execFileSync, type SpawnOptions, spawn } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unless } from "../helpers/unless.js";

const folder = fs.mkdtempSync(join(tmpdir(), "turnwire-stdio-"));
const program = join(folder, "program.cjs");

beforeAll(async () => {
  const entry = fileURLToPath(new URL("./stdioProgram.ts", import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "cjs",
  });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Where there is a POSIX shell, there are named pipes. */
const hasShell = process.platform !== "win32";

type Place = "pipe" | "ignore" | number;

/** Starts the program; `report` is what it says on descriptor 3. */
function start(mode: string, places: [Place, Place, Place]) {
  const options: SpawnOptions = { stdio: [...places, "pipe"] };
  const child = spawn(process.execPath, [program, mode], options);
  const report = child.stdio[3] as Readable;
  return {
    input: child.stdin as Writable,
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    firstReport: () =>
      new Promise<string>((resolve) => report.once("data", (chunk) => resolve(String(chunk)))),
    exitCode: new Promise<number | null>((resolve) => child.on("close", resolve)),
    child,
  };
}

const request = '{"jsonrpc":"2.0","id":1,"method":"hello","params":["é"]}\n';
const response = '{"jsonrpc":"2.0","id":1,"result":{"method":"hello","params":["é"]}}\n';
const strays = "stray console\nstray stdout\nstray descriptor\nstray child\n";

/** A named pipe that has a reader which does not read. */
function unreadFifo(): number {
  const path = join(folder, `fifo-${Math.random()}`);
  execFileSync("mkfifo", [path]);
  return fs.openSync(path, fs.constants.O_RDWR);
}

describe("stdout carries frames alone, and strays go to stderr", () => {
  it("over the sockets that Node gives its children", async () => {
    const { input, stdout, stderr, exitCode } = start("serve", ["pipe", "pipe", "pipe"]);
    input.end(request);
    expect(await Promise.all([text(stdout), text(stderr), exitCode])).toEqual([
      response,
      strays,
      0,
    ]);
  });

  unless(
    it,
    !hasShell,
    "no POSIX shell",
  )("over pipes of the shell", () => {
    const line = `printf '%s\\n' '${request.trim()}' | "${process.execPath}" "${program}" serve 3>&1 2>/dev/null | cat`;
    expect(execFileSync("sh", ["-c", line], { encoding: "utf8" })).toContain(response);
  });

  it("from and to files", async () => {
    fs.writeFileSync(join(folder, "in"), request);
    const input = fs.openSync(join(folder, "in"), "r");
    const output = fs.openSync(join(folder, "out"), "w");
    const errors = fs.openSync(join(folder, "err"), "w");
    const { exitCode } = start("serve", [input, output, errors]);
    expect(await exitCode).toBe(0);
    expect(fs.readFileSync(join(folder, "out"), "utf8")).toBe(response);
    expect(fs.readFileSync(join(folder, "err"), "utf8")).toBe(strays);
    for (const descriptor of [input, output, errors]) fs.closeSync(descriptor);
  });

  it("with the null device everywhere", async () => {
    const { exitCode, firstReport } = start("serve", ["ignore", "ignore", "ignore"]);
    expect(await firstReport()).toBe("closed: end\n");
    expect(await exitCode).toBe(0);
  });
});

describe("the event loop goes on", () => {
  it("when nobody reads stdout, a socket", async () => {
    const { child, firstReport, exitCode } = start("floodStdout", ["pipe", "pipe", "ignore"]);
    expect(await firstReport()).toBe("alive\n");
    child.kill("SIGKILL");
    child.stdout?.resume();
    await exitCode;
  });

  it("when nobody reads stderr, a socket, and nothing but a bounded buffer is held", async () => {
    const { child, firstReport, exitCode } = start("floodStderr", ["pipe", "ignore", "pipe"]);
    expect(await firstReport()).toMatch(/^alive, dropped 6\d\d\n$/);
    child.kill("SIGKILL");
    child.stderr?.resume();
    await exitCode;
  });

  unless(
    it,
    !hasShell,
    "no POSIX shell",
  )("when nobody reads either, pipes", async () => {
    const fifo = unreadFifo();
    for (const mode of ["floodStdout", "floodStderr"]) {
      const { child, firstReport, exitCode } = start(mode, ["pipe", fifo, fifo]);
      expect(await firstReport()).toMatch(/^alive/);
      child.kill("SIGKILL");
      await exitCode;
    }
    fs.closeSync(fifo);
  });

  // util-linux's `script` gives a terminal; it stops reading it when its own stdout is not read.
  unless(
    it,
    !hasScript(),
    "there is no `script` to make a terminal",
  )("when nobody reads either, a terminal", async () => {
    for (const mode of ["floodStdout", "floodStderr"]) {
      const command = `exec "${process.execPath}" "${program}" ${mode} 3>"${folder}/${mode}"`;
      const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", 2] });
      const reported = () => fs.existsSync(join(folder, mode)) && read(mode).startsWith("alive");
      await expect.poll(reported).toBe(true);
      child.kill("SIGKILL");
      child.stdout?.resume();
      await new Promise((resolve) => child.on("close", resolve));
    }
  });
});

describe("a client that goes away", () => {
  it("by closing stdout is an event, not a crash", async () => {
    const { input, stdout, firstReport, exitCode } = start("serve", ["pipe", "pipe", "ignore"]);
    stdout.destroy();
    input.write(request);
    expect(await firstReport()).toBe("closed: error\n");
    expect(await exitCode).toBe(0);
  });

  it("by closing stderr alone is not noticed", async () => {
    const { input, stdout, stderr, exitCode } = start("serve", ["pipe", "pipe", "pipe"]);
    stderr.destroy();
    input.write(request);
    input.end(request);
    expect(await text(stdout)).toBe(response + response);
    expect(await exitCode).toBe(0);
  });
});

it("a client that reads its logs again learns how many were dropped", async () => {
  const { input, stderr, firstReport, exitCode } = start("floodStderr", ["pipe", "ignore", "pipe"]);
  const [, dropped] = /dropped (\d+)/.exec(await firstReport()) ?? [];
  const [errors] = await Promise.all([
    text(stderr),
    new Promise<void>((resolve) => {
      stderr.on("data", (chunk) => {
        if (String(chunk).includes("dropped")) resolve();
      });
    }).then(() => input.end()),
  ]);
  expect(errors).toContain(`dropped ${dropped}\n`);
  expect(await exitCode).toBe(0);
});

function read(name: string): string {
  return fs.readFileSync(join(folder, name), "utf8");
}

function hasScript(): boolean {
  try {
    return execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux");
  } catch {
    return false;
  }
}
