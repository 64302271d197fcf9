import { rmdirSync, symlinkSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Clock, systemClock, type Timer } from "../../src/base/clock.js";
import { endsFolder } from "../../src/base/endFiles.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { isAlive, openWorkbench, refused, until } from "./workbench.js";

/** The process's clock, but for long waits: those end when the test says so. */
class SkippingClock implements Clock {
  readonly #long = new Set<() => void>();
  now = () => systemClock.now();
  soon = (run: () => void) => systemClock.soon(run);
  after(ms: number, run: () => void): Timer {
    if (ms < 10_000) return systemClock.after(ms, run);
    this.#long.add(run);
    return { cancel: () => this.#long.delete(run) };
  }
  pass(): void {
    for (const run of this.#long) run();
  }
}

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("bash", () => {
  test("output and errors come together, in order, and streamed", async () => {
    const bench = await openWorkbench();
    const command = "echo one; echo two >&2; echo three";
    expect(await bench.run("bash", { command })).toEqual({ output: "one\ntwo\nthree" });
    expect(bench.streamed.join("")).toBe("one\ntwo\nthree\n");
    expect(bench.needs).toMatchObject([
      { tool: "bash", action: "execute", subject: { kind: "command", value: command } },
    ]);
  });

  test("a failure tells its exit code, a signal its name", async () => {
    const bench = await openWorkbench();
    expect(await bench.run("bash", { command: "echo no; exit 3" })).toEqual({
      output: "no\n[exit code 3]",
      isError: true,
    });
    expect(await bench.run("bash", { command: "kill -9 $$" })).toMatchObject({
      output: "(no output)\n[It was ended by SIGKILL.]",
      isError: true,
    });
    const wrong = await bench.run("bash", { command: "if then" });
    expect(wrong.output).toContain("syntax error");
  });

  test.each([
    ["the question was open", "question", {}],
    ["the question of a job was open", "question", { background: true }],
    ["git was asked", "guard", {}],
    ["git was asked for a job", "guard", { background: true }],
  ])("nothing runs in a folder that became another one while %s", async (_what, when, more) => {
    let change = (_when: string) => {};
    const guard = async () => {
      change("guard");
      return {};
    };
    const bench = await openWorkbench({ guard });
    await bench.run("bash", { command: "mkdir sub other && cd sub" });
    const sub = join(bench.workspace, "sub");
    change = (now) => {
      if (now !== when) return;
      rmdirSync(sub);
      symlinkSync("other", sub);
    };
    const { verdict } = bench;
    bench.verdict = (...asked) => {
      change("question");
      return verdict(...asked);
    };
    const done = await bench.run("bash", { command: "touch ran", ...more });
    expect(done).toMatchObject({
      isError: true,
      output: expect.stringContaining("nothing was run"),
    });
    expect(await readdir(join(bench.workspace, "other"))).toEqual([]);
  });

  test("a refusal runs nothing and is told as denied", async () => {
    const bench = await openWorkbench();
    bench.verdict = () => refused;
    expect(await bench.run("bash", { command: "touch ran" })).toEqual({
      output: "The user said no.",
      isError: true,
      denied: true,
    });
    expect(await readdir(bench.workspace)).toEqual([]);
  });

  test("the environment is what the context gives, and there is no input", async () => {
    const bench = await openWorkbench();
    process.env.TURNWIRE_TEST_SECRET = "secret";
    try {
      const { output } = await bench.run("bash", { command: "env; cat" });
      expect(output).not.toContain("TURNWIRE_TEST_SECRET");
      expect(output).toContain("HOME=");
    } finally {
      delete process.env.TURNWIRE_TEST_SECRET;
    }
  });

  test("the working directory is kept inside the workspace, session by session", async () => {
    const bench = await openWorkbench();
    await mkdir(join(bench.workspace, "a b's"));
    await bench.run("bash", { command: `cd "a b's" && false` });
    expect((await bench.run("bash", { command: "pwd" })).output).toBe(
      join(bench.workspace, "a b's"),
    );
    const other = await bench.run("bash", { command: "pwd" }, { sessionId: "ses_2" });
    expect(other.output).toBe(bench.workspace);
  });

  test("a folder outside the workspace does not become the working directory", async () => {
    const bench = await openWorkbench();
    const { output } = await bench.run("bash", { command: `cd ${bench.outside}; pwd` });
    expect(output).toContain(bench.outside);
    expect(output).toContain("is not a folder of the workspace");
    expect((await bench.run("bash", { command: "pwd" })).output).toBe(bench.workspace);
  });

  test("a working directory that was deleted falls back to the workspace", async () => {
    const bench = await openWorkbench();
    await bench.run("bash", { command: "mkdir gone && cd gone" });
    await rm(join(bench.workspace, "gone"), { recursive: true });
    const { output } = await bench.run("bash", { command: "pwd" });
    expect(output).toContain(`${bench.workspace}\n[The working directory`);
  });

  test("a short command leaves no file, and no folder of its session: alone, in the background, or ended", async () => {
    const bench = await openWorkbench();
    const outputs = join(dirname(bench.workspace), "outputs");
    const left = async () => (await readdir(outputs, { recursive: true })).sort();
    await bench.run("bash", { command: "cd / && exit 3" });
    await bench.run("bash", { command: "sleep 300", timeoutMs: 50 });
    await bench.run("bash", { command: "kill -9 $$" });
    await bench.run("bash", { command: "echo hello", background: true });
    await bench.run("jobOutput", { jobId: "job1", waitMs: 60_000 });
    expect(await left()).toEqual([endsFolder]);
    // Somebody tidied up while the server runs.
    await rm(outputs, { recursive: true });
    await mkdir(join(bench.workspace, "sub"));
    await bench.run("bash", { command: "cd sub" });
    const { output } = await bench.run("bash", { command: "pwd" });
    expect(output).toBe(join(bench.workspace, "sub"));
    const long = await bench.run("bash", { command: "yes | head -c 40000" });
    expect(long.output).toContain(join(outputs, "ses_1"));
    expect(await left()).toEqual([endsFolder, "ses_1", expect.stringMatching(/^ses_1\/.*txt$/)]);
  });

  test("100 MB of output stay in bounded memory, cut in the middle, whole on disk", async () => {
    const bench = await openWorkbench();
    const before = process.memoryUsage().rss;
    const command = "echo begin; yes 0123456789abcde | head -c 104857600; echo end";
    const { output } = await bench.run("bash", { command });
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    expect(output.length).toBeLessThan(32_000);
    expect(output.startsWith("begin\n0123456789abcde\n")).toBe(true);
    expect(output.endsWith("0123456789abcde\nend")).toBe(true);
    expect(bench.streamed.join("").length).toBeLessThan(33_000);
    const file = /can be read with `read`: (\S+)\]/.exec(output)?.[1] ?? "";
    bench.needs.length = 0;
    bench.verdict = () => refused;
    const read = await bench.run("read", { path: file, offset: 6_553_601, limit: 5 });
    expect(read.output).toContain("end");
    expect(bench.needs).toEqual([]);
    const foreign = await bench.run("read", { path: file }, { sessionId: "ses_2" });
    expect(foreign.denied).toBe(true);
  });

  test("a child that keeps the pipe open does not hold up the result, and is ended", async () => {
    const bench = await openWorkbench();
    const { output } = await bench.run("bash", { command: "sleep 300 & echo $!" });
    expect(await isAlive(Number(output))).toBe(false);
  });

  test("a cancel ends children and grandchildren before it returns", async () => {
    const bench = await openWorkbench();
    const turn = new AbortController();
    const command =
      "(sleep 300 & echo $!; bash -c 'trap \"\" TERM; sleep 301 & echo $!; wait'); wait";
    const running = bench.run("bash", { command }, { signal: turn.signal });
    const pids = () => bench.streamed.join("").trim().split("\n").map(Number);
    await until(() => bench.streamed.length > 0 && pids().length === 2);
    const reason = new Error("cancelled");
    turn.abort(reason);
    await expect(running).rejects.toBe(reason);
    for (const pid of pids()) expect(await isAlive(pid)).toBe(false);
  });

  test("a time limit ends the command and tells what it printed", async () => {
    const clock = new SkippingClock();
    const bench = await openWorkbench({ clock });
    const running = bench.run("bash", { command: "echo $$; sleep 300" });
    await until(() => bench.streamed.length > 0);
    clock.pass();
    const result = await running;
    expect(result.isError).toBe(true);
    expect(result.output).toContain("[It took longer than 120000 ms (`timeoutMs`) and was ended.]");
    expect(await isAlive(Number(bench.streamed.join("")))).toBe(false);
  });

  unless(
    test,
    notOnLinux,
    "processes are looked for in /proc",
  )("a daemon that left its session and lost its parents is ended too", async () => {
    const bench = await openWorkbench();
    const command = "(setsid sh -c 'sleep 300 >/dev/null 2>&1 & echo $! >pid' >/dev/null 2>&1 &)";
    await bench.run("bash", { command: `${command}; while [ ! -s pid ]; do sleep 0.01; done` });
    const pid = Number(await readFile(join(bench.workspace, "pid"), "utf8"));
    expect(pid).toBeGreaterThan(0);
    expect(await isAlive(pid)).toBe(false);
  });

  test("disposing ends what runs", async () => {
    const bench = await openWorkbench();
    const running = bench.run("bash", { command: "echo $$; sleep 300" });
    await until(() => bench.streamed.length > 0);
    await bench.resources.dispose();
    expect((await running).isError).toBe(true);
    expect(await isAlive(Number(bench.streamed.join("")))).toBe(false);
  });

  test("a job in the background runs on until its session is forgotten", async () => {
    const bench = await openWorkbench();
    const result = await bench.run("bash", {
      command: "echo $$ >pid; sleep 300",
      background: true,
    });
    expect(result.output).toContain("Job job1 is running");
    const pid = async () => Number(await bench.text("pid").catch(() => ""));
    await until(async () => (await pid()) > 0);
    expect(await isAlive(await pid())).toBe(true);
    await bench.resources.forgetSession("ses_1");
    expect(await isAlive(await pid())).toBe(false);
    expect(bench.resources.jobs("ses_1").size).toBe(0);
  });
});
