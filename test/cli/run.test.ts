import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { RunComplete } from "../../src/protocol/objects/run.js";
import { createHarness, type Harness, launcher, offlineEnvironment } from "./runHarness.js";

let harness: Harness;

beforeEach(() => {
  harness = createHarness();
});

afterEach(() => {
  expect(harness.interruptListeners()).toBe(0);
  harness.remove();
});

describe("the text of a run", () => {
  it("is the reply with one newline, and the exit code 0", async () => {
    expect(await harness.run({ prompt: "@say There are 42.\n@say Really." })).toBe(0);
    expect(harness.stdoutText()).toMatch(/^There are 42\.\s?Really\.\n$/);
    expect(harness.stderrText()).toBe("");
  });

  it("is complete however many deltas it came in", async () => {
    expect(await harness.run({ prompt: "@chunks 500 20" })).toBe(0);
    const json = createHarness();
    await json.run({ prompt: "@chunks 500 20", output: "json" });
    const { text } = RunComplete().parse(JSON.parse(json.stdoutText()));
    expect(text.length).toBeGreaterThan(500);
    expect(harness.stdoutText()).toBe(`${text.trimEnd()}\n`);
    json.remove();
  });

  it("leaves what the model thinks out", async () => {
    await harness.run({ prompt: "@think Hm.\n@say Yes." });
    expect(harness.stdoutText()).toBe("Yes.\n");
  });

  it("comes from a prompt on stdin as well", async () => {
    const exitCode = harness.run({ prompt: "-" });
    harness.stdin.end("@say From stdin.");
    expect(await exitCode).toBe(0);
    expect(harness.stdoutText()).toBe("From stdin.\n");
  });
});

describe("the output for programs", () => {
  it("is the completion as one line of JSON", async () => {
    expect(await harness.run({ prompt: "@say 42.", output: "json" })).toBe(0);
    const lines = harness.stdoutText().trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(RunComplete().parse(JSON.parse(lines[0] ?? ""))).toMatchObject({
      status: "succeeded",
      text: "42.",
    });
  });

  it("is each event as a line, the completion last", async () => {
    expect(await harness.run({ prompt: "@say 42.", output: "stream-json" })).toBe(0);
    const lines = harness.stdoutText().trimEnd().split("\n");
    const methods = lines.map((line) => JSON.parse(line).method);
    expect(methods).toContain("messageDelta");
    expect(methods.filter((method) => method === "runComplete")).toHaveLength(1);
    expect(methods.at(-1)).toBe("runComplete");
  });
});

describe("a run that does not succeed", () => {
  it("that failed says why and exits with 1", async () => {
    expect(await harness.run({ prompt: "@fail 401 no such key" })).toBe(1);
    expect(harness.stdoutText()).toBe("");
    expect(harness.stderrText()).toMatch(/^turnwire run: .+\n$/);
  });

  it("with a blank prompt is bad usage", async () => {
    expect(await harness.run({ prompt: " \n" })).toBe(2);
    expect(harness.stderrText()).toContain("the prompt is empty");
  });

  it("in a folder that does not exist names it", async () => {
    expect(await harness.run({ prompt: "p", cwd: "no-such-folder" })).toBe(1);
    expect(harness.stderrText()).toContain("no-such-folder");
  });

  it("with a model that is not configured names it", async () => {
    const model = { provider: "nowhere", model: "m" };
    expect(await harness.run({ prompt: "p", model })).toBe(1);
    expect(harness.stderrText()).toContain("nowhere");
  });

  it("whose server cannot start says what the server said", async () => {
    const broken = createHarness({ serverArgs: ["serve", "--framing", "xml"] });
    expect(await broken.run({ prompt: "p" })).toBe(1);
    expect(broken.stderrText()).toMatch(/^turnwire run: the server ended with code 2: .+\n$/);
    broken.remove();
  });

  it("that takes too long is cancelled and exits with 4", async () => {
    const timers: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      after(ms, run) {
        if (ms !== 7_000) return systemClock.after(ms, run);
        timers.push(run);
        return { cancel() {} };
      },
    };
    const prompt = "@say Begun.\n@wait 60000";
    const exitCode = harness.run({ prompt, timeoutSeconds: 7 }, clock);
    await harness.stdoutShows(/Begun/);
    for (const run of timers) run();
    expect(await exitCode).toBe(4);
    expect(harness.stderrText()).toContain("timeout: cancelled after 7 s");
    expect(harness.stdoutText()).toBe("Begun.\n");
  });
});

describe("an interrupt", () => {
  const prompt = "@say Begun.\n@wait 60000\n@say Never.";

  it("cancels the run, keeps what was said, and exits with 130", async () => {
    const exitCode = harness.run({ prompt });
    await harness.stdoutShows(/Begun/);
    harness.interrupt();
    expect(await exitCode).toBe(130);
    expect(harness.stdoutText()).toBe("Begun.\n");
    expect(harness.stderrText()).toBe("");
  });

  it("before the server has started gives up", async () => {
    const exitCode = harness.run({ prompt });
    harness.interrupt();
    expect(await exitCode).toBe(130);
    expect(harness.stdoutText()).toBe("");
  });

  it("a second time ends the server at once", async () => {
    const exitCode = harness.run({ prompt });
    await harness.stdoutShows(/Begun/);
    harness.interrupt();
    harness.interrupt();
    expect(await exitCode).toBe(130);
  });

  it("while the prompt is read from stdin gives up", async () => {
    const exitCode = harness.run({ prompt: "-" });
    harness.interrupt();
    expect(await exitCode).toBe(130);
  });
});

describe("the session of a run", () => {
  async function completionOf(options: Parameters<Harness["run"]>[0]) {
    const before = harness.stdoutText().length;
    const exitCode = await harness.run({ output: "json", ...options });
    expect({ exitCode, stderr: harness.stderrText() }).toEqual({ exitCode: 0, stderr: "" });
    return RunComplete().parse(JSON.parse(harness.stdoutText().slice(before)));
  }

  it("is a new one, a given one, or the folder's latest", async () => {
    const first = await completionOf({ prompt: "@say 1" });
    const second = await completionOf({ prompt: "@say 2" });
    expect(second.sessionId).not.toBe(first.sessionId);
    const given = await completionOf({ prompt: "@say 3", session: first.sessionId });
    expect(given.sessionId).toBe(first.sessionId);
    const latest = await completionOf({ prompt: "@say 4", continueLatest: true });
    expect([first.sessionId, second.sessionId]).toContain(latest.sessionId);
  });

  it("that is to be continued has to exist", async () => {
    expect(await harness.run({ prompt: "p", continueLatest: true })).toBe(1);
    expect(harness.stderrText()).toContain("--continue");
    expect(await harness.run({ prompt: "p", session: "nope" })).toBe(1);
  });
});

describe("tools of a run", () => {
  const touch = (name: string) =>
    `@tool bash ${JSON.stringify({ command: `echo 1 > ${name}` })}\n@say Done.`;

  it("are told on stderr and may do what the mode allows", async () => {
    expect(await harness.run({ prompt: touch("a.txt"), permissionMode: "allow" })).toBe(0);
    expect(existsSync(join(harness.folder, "a.txt"))).toBe(true);
    expect(harness.stderrText()).toBe("bash echo 1 > a.txt\n");
    expect(harness.stdoutText()).toBe("Done.\n");
  });

  it("are denied where there is no terminal to ask on", async () => {
    await harness.run({ prompt: touch("a.txt") });
    expect(existsSync(join(harness.folder, "a.txt"))).toBe(false);
    expect(harness.stderrText()).toContain("--permission-mode");
  });

  it("are asked about at the terminal", async () => {
    const terminal = createHarness({ isTerminal: true });
    const exitCode = terminal.run({ prompt: `${touch("a.txt")}\n${touch("b.txt")}` });
    await terminal.stderrShows(/Allow\?/);
    terminal.stdin.write("y\n");
    await terminal.stderrShows(/Allow\?[\s\S]*Allow\?/);
    terminal.stdin.write("n\n");
    expect(await exitCode).toBe(0);
    expect(existsSync(join(terminal.folder, "a.txt"))).toBe(true);
    expect(existsSync(join(terminal.folder, "b.txt"))).toBe(false);
    terminal.remove();
  });
});

describe("the program", () => {
  const start = (args: string[]) =>
    spawn(process.execPath, [launcher, "run", "--data-dir", join(harness.folder, "d"), ...args], {
      cwd: harness.folder,
      env: { ...process.env, ...offlineEnvironment(harness.folder) },
    });

  it("exits with 5, and says nothing, when nobody reads its output any more", async () => {
    const child = start(["@chunks 20000 100\n@wait 60000"]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect(await once(child, "exit")).toEqual([5, null]);
    expect(stderr).toBe("");
  });

  it("cancels on SIGINT and exits with 130", async () => {
    const child = start(["@say Begun.\n@wait 60000"]);
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
  });

  it("exits with 2 for bad usage, and says nothing on stdout", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, "run"]);
    expect({ status, stdout: String(stdout) }).toEqual({ status: 2, stdout: "" });
    expect(String(stderr)).toContain("missing required argument");
  });
});
