import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { onWindows, unless } from "../helpers/unless.js";
import { isAlive, openWorkbench, until } from "./workbench.js";

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("background jobs", () => {
  test("jobOutput tells output and standing, and can wait for the end", async () => {
    const bench = await openWorkbench();
    await bench.run("bash", { command: "echo hello; exit 4", background: true });
    const { output } = await bench.run("jobOutput", { jobId: "job1", waitMs: 60_000 });
    expect(output).toBe("hello\n[job1, echo hello; exit 4: exit code 4]");
  });

  test("jobOutput does not wait longer than it was told", async () => {
    const bench = await openWorkbench({ clock: { ...systemClock, now: () => 0 } });
    await bench.run("bash", { command: "sleep 300", background: true });
    const { output } = await bench.run("jobOutput", { jobId: "job1", waitMs: 1 });
    expect(output).toBe("(no output)\n[job1, sleep 300: running for at least 0 s]");
  });

  test("asked again later, a quiet job's report is another one; an ended job's is not", async () => {
    let now = 1_000;
    const bench = await openWorkbench({ clock: { ...systemClock, now: () => now } });
    await bench.run("bash", { command: "sleep 300", background: true });
    const ask = async () => (await bench.run("jobOutput", { jobId: "job1" })).output;
    const quiet = [await ask()];
    for (const later of [999, 1, 61_000]) {
      now += later;
      quiet.push(await ask());
    }
    expect(quiet.map((output) => /at least (\d+) s\]$/.exec(output)?.[1])).toEqual([
      "0",
      "0",
      "1",
      "62",
    ]);
    await bench.run("jobKill", { jobId: "job1" });
    const ended = await ask();
    now += 5_000;
    expect(await ask()).toBe(ended);
  });

  test("a cancel ends the waiting, and the jobs of its turn", async () => {
    const bench = await openWorkbench();
    const turn = new AbortController();
    const { signal } = turn;
    await bench.run("bash", { command: "echo $$; sleep 300", background: true }, { signal });
    const job = bench.resources.jobs("ses_1").get("job1");
    await until(() => job?.output() !== "");
    const waiting = bench.run("jobOutput", { jobId: "job1", waitMs: 600_000 }, { signal });
    const reason = new Error("cancelled");
    turn.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await bench.resources.endJobsOf(signal);
    expect(await isAlive(Number(job?.output()))).toBe(false);
  });

  test("jobKill ends a job and tells how it ended", async () => {
    const bench = await openWorkbench();
    await bench.run("bash", { command: "sleep 300", background: true });
    const { output } = await bench.run("jobKill", { jobId: "job1" });
    expect(output).toContain("[job1, sleep 300: It was ended by SIGTERM.]");
    expect((await bench.run("jobKill", { jobId: "job1" })).isError).toBeUndefined();
  });

  test("a job of another session is unknown", async () => {
    const bench = await openWorkbench();
    await bench.run("bash", { command: "sleep 300", background: true });
    const other = { sessionId: "ses_2" };
    expect(await bench.run("jobOutput", { jobId: "job1" }, other)).toEqual({
      output: "`jobId` job1 is no job of this session; there are none.",
      isError: true,
    });
    expect((await bench.run("jobKill", { jobId: "job9" })).output).toContain("there are job1");
  });

  test("jobs are bounded, and begun side by side get ids of their own", async () => {
    const bench = await openWorkbench();
    const begin = () => bench.run("bash", { command: "sleep 300", background: true });
    await Promise.all(Array.from({ length: 4 }, begin));
    expect([...bench.resources.jobs("ses_1").keys()]).toEqual(["job1", "job2", "job3", "job4"]);
    for (let i = 4; i < 16; i++) await begin();
    expect((await begin()).output).toContain("end one with `jobKill`");
  });
});

test("todos are handed on for their session, and shown to the model", async () => {
  const bench = await openWorkbench();
  const todos = [
    { text: "look", status: "completed" },
    { text: "think", status: "inProgress" },
    { text: "write", status: "pending" },
  ];
  const kept: unknown[] = [];
  const setTodos = (list: unknown) => void kept.push(list);
  const { output } = await bench.run("todos", { todos }, { setTodos });
  expect(output).toBe("[x] look\n[~] think\n[ ] write");
  expect((await bench.run("todos", { todos: [] }, { setTodos })).output).toBe("The list is empty.");
  expect(kept).toEqual([todos, []]);
});
