import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { TurnwireClient } from "../../src/client/index.js";
import { startServer } from "../../src/client/serverProcess.js";

/** A clock whose timers fire when the test says so, in the order of their times. */
function manualClock() {
  const timers: { ms: number; run: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    after(ms, run) {
      const timer = { ms, run };
      timers.push(timer);
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) };
    },
  };
  const fireNext = () =>
    timers
      .sort((a, b) => a.ms - b.ms)
      .shift()
      ?.run();
  return { clock, timers, fireNext };
}

const node = (script: string) => ({ command: process.execPath, args: ["-e", script] });

describe("a server that is started", () => {
  it("and cannot initialise rejects with its exit code and its last words", async () => {
    const script = 'console.error("cannot open the database"); process.exitCode = 3';
    await expect(TurnwireClient.spawn(node(script))).rejects.toMatchObject({
      name: "ConnectionLost",
      message: "the server ended with code 3: cannot open the database",
      stderr: "cannot open the database\n",
    });
  });

  it("by a command that does not exist rejects with its name", async () => {
    const command = "./no-such-program";
    await expect(TurnwireClient.spawn({ command, args: [] })).rejects.toMatchObject({
      name: "ConnectionLost",
      message: expect.stringContaining(command),
    });
  });

  it("gets the data directory, the environment and the folder that were asked for", async () => {
    const script =
      "console.log(JSON.stringify([process.argv.slice(1), process.env.A, process.cwd()]))";
    const endpoint = await startServer(
      { ...node(script), args: ["-e", script, "--"], dataDir: "/d", cwd: "/", env: { A: "1" } },
      systemClock,
    );
    let text = "";
    endpoint.streams.input.on("data", (chunk) => {
      text += chunk;
    });
    await endpoint.end(5_000);
    expect(JSON.parse(text)).toEqual([["--data-dir", "/d"], "1", "/"]);
  });

  it("may write to stderr without end, and only the last of it is kept", async () => {
    let length = 0;
    const script = 'process.stderr.write("x".repeat(1_000_000) + "end", () => process.exit(1))';
    const onStderr = (text: string) => {
      length += text.length;
    };
    const error = await TurnwireClient.spawn({ ...node(script), onStderr }).catch((e) => e);
    expect(length).toBe(1_000_003);
    expect(error.stderr).toHaveLength(8 * 1024);
    expect(error.stderr.endsWith("end")).toBe(true);
  });
});

describe("ending a server", () => {
  it("needs no force where it goes by itself, and leaves no timer behind", async () => {
    const { clock, timers } = manualClock();
    const endpoint = await startServer(node("process.stdin.resume()"), clock);
    await endpoint.end(5_000);
    expect(timers).toEqual([]);
  });

  it("terminates one that stays, and kills one that stays even then", async () => {
    const { clock, fireNext, timers } = manualClock();
    const script =
      'process.on("SIGTERM", () => console.log("stay")); setInterval(() => {}, 1000); console.log("up")';
    const endpoint = await startServer(node(script), clock);
    const input = endpoint.streams.input as Readable;
    await once(input, "data");
    const ended = endpoint.end(5_000);
    fireNext();
    expect(String((await once(input, "data"))[0])).toBe("stay\n");
    fireNext();
    await ended;
    expect(timers).toEqual([]);
    expect(endpoint.explain("").message).toBe("the server was ended by SIGKILL");
  });
});
