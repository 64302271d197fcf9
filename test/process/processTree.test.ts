import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { ProcessMarks, processMarkerVariable } from "../../src/process/processMark.js";
import { ProcessLooks } from "../../src/process/processTable.js";
import { notOnLinux, unless } from "../helpers/unless.js";
import { isAlive, openWorkbench, until } from "../tools/workbench.js";

/** Node that starts a `sleep` of its own, detached and without any environment, and says its number. */
const detached = `
  const child = require("node:child_process")
    .spawn("/bin/sleep", ["300"], { detached: true, env: {}, stdio: "ignore" });
  child.unref();
  require("node:fs").writeFileSync(process.argv[1], String(child.pid));
`;

/** Ways of a program to leave everything that it was begun with; each writes its number to `pid`. */
const escapes: Readonly<Record<string, string>> = {
  "an empty environment and a session of its own":
    "(env -i setsid sh -c 'echo $$ >pid; exec sleep 300' &)",
  "the same, with every stream closed":
    "(env -i setsid sh -c 'echo $$ >pid; exec sleep 300' </dev/null >/dev/null 2>&1 &)",
  "a double fork":
    "env -i setsid sh -c '(setsid sh -c \"echo \\$\\$ >pid; exec sleep 300\" >/dev/null 2>&1 &)' >/dev/null 2>&1",
  "Node's detached child without an environment": `'${process.execPath}' -e '${detached}' pid`,
};

unless(
  describe,
  notOnLinux,
  "processes are looked for in /proc",
)("what a command began ends with it", () => {
  test.each(Object.entries(escapes))("after %s", async (_, command) => {
    const bench = await openWorkbench();
    await bench.run("bash", { command: `${command}\nuntil [ -s pid ]; do :; done` });
    const pid = Number(await bench.text("pid"));
    expect(pid).toBeGreaterThan(0);
    expect(await isAlive(pid)).toBe(false);
  });

  test.each(Object.entries(escapes))("when it is a job, after %s", async (_, command) => {
    const bench = await openWorkbench();
    await bench.run("bash", { command: `${command}\nsleep 300`, background: true });
    await until(async () => (await bench.text("pid").catch(() => "")) !== "");
    const pid = Number(await bench.text("pid"));
    expect(await isAlive(pid)).toBe(true);
    await bench.run("jobKill", { jobId: "job1" });
    expect(await isAlive(pid)).toBe(false);
  });

  test("one command's end leaves another's processes alone", async () => {
    const bench = await openWorkbench();
    const leaves = "(env -i setsid sh -c 'echo $$ >pid; exec sleep 300' &)";
    await bench.run("bash", { command: `${leaves}; sleep 300`, background: true });
    await until(async () => (await bench.text("pid").catch(() => "")) !== "");
    await bench.run("bash", { command: "true" });
    expect(await isAlive(Number(await bench.text("pid")))).toBe(true);
  });
});

unless(
  describe,
  notOnLinux,
  "processes are looked for in /proc",
)("a look for one tree", () => {
  /** A process with a mark that is older than the leader, so that only a look at all of them finds it. */
  async function decoyAndLeader() {
    const mark = new ProcessMarks("own_looks").next();
    const start = (env: Record<string, string>) =>
      spawn("/bin/sleep", ["300"], { env, stdio: "ignore" });
    const decoy = start({ [processMarkerVariable]: mark.variable });
    const leader = start({});
    onTestFinished(() => {
      for (const child of [decoy, leader]) child.kill("SIGKILL");
    });
    const [older, pid] = [decoy.pid ?? 0, leader.pid ?? 0];
    await until(async () => (await readFile(`/proc/${older}/cmdline`, "utf8")).includes("300"));
    const found = async (more: { leader?: number; begunAt?: number }) => {
      const tree = { leader: pid, mark, ...more };
      const look = await new ProcessLooks().lookFor(tree);
      return (await look?.membersOf(tree))?.includes(older);
    };
    return { found, isInOrder: older < pid };
  }

  test("reads no older process soon after its start, and every process later", async () => {
    const { found, isInOrder } = await decoyAndLeader();
    // The kernel may just have begun again with small numbers.
    if (isInOrder) expect(await found({ begunAt: performance.now() })).toBe(false);
    expect(await found({ begunAt: performance.now() - 300 })).toBe(true);
    expect(await found({})).toBe(true);
  });

  test("reads every process where the kernel has begun again with small numbers", async () => {
    const { found } = await decoyAndLeader();
    const newest = 2 ** 22;
    expect(await found({ leader: newest, begunAt: performance.now() })).toBe(true);
  });
});

unless(
  describe,
  notOnLinux,
  "processes are looked for in /proc",
)("a look at the few newest processes", () => {
  /** A process that has just been started, with threads. */
  async function startNode() {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      detached: true,
      stdio: "ignore",
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const pid = child.pid ?? 0;
    await until(async () => (await readdir(`/proc/${pid}/task`)).length > 5);
    return { leader: pid, mark: new ProcessMarks("own_few").next(), begunAt: performance.now() };
  }

  test("takes no thread for a process", async () => {
    const tree = await startNode();
    const look = await new ProcessLooks().lookFor(tree);
    expect(await look?.membersOf(tree)).toEqual([tree.leader]);
  });

  test("finds what carries the mark, and what that began", async () => {
    const tree = await startNode();
    const env = { [processMarkerVariable]: tree.mark.variable };
    const script = "/bin/sleep 300 & echo $!; wait";
    const marked = spawn("/bin/sh", ["-c", script], { env, detached: true });
    onTestFinished(() => void process.kill(-(marked.pid ?? 0), "SIGKILL"));
    const [begun] = await once(marked.stdout, "data");
    const look = await new ProcessLooks().lookFor(tree);
    const members = await look?.membersOf(tree);
    expect(members).toEqual([tree.leader, marked.pid, Number(String(begun))]);
  });

  test("begins when it is asked for, whatever look is under way", async () => {
    const tree = await startNode();
    const looks = new ProcessLooks();
    const all = looks.look();
    process.kill(tree.leader, "SIGKILL");
    await until(async () => !(await isAlive(tree.leader)));
    expect(await (await looks.lookFor(tree))?.membersOf(tree)).toEqual([]);
    await all;
  });
});

describe("marks", () => {
  test("no two commands of an owner share one, and an owner knows its own", () => {
    const marks = new ProcessMarks("own_1");
    const made = [marks.next(), marks.next()];
    expect(new Set(made.map(({ fileLocks }) => fileLocks)).size).toBe(2);
    for (const { variable, fileLocks } of made) {
      expect(variable.startsWith(marks.variablePrefix)).toBe(true);
      expect(fileLocks).toMatch(new RegExp(`^${marks.fileLocksPattern}$`));
      // The kernel keeps it as a number of 64 bits.
      expect(BigInt(fileLocks)).toBeLessThan(2n ** 63n);
    }
    expect(new ProcessMarks("own_2").next().fileLocks).not.toBe(made[0]?.fileLocks);
  });
});

unless(
  describe,
  notOnLinux,
  "processes are looked for in /proc",
)("looks", () => {
  test("those who ask while one is under way share the next, which begins later", async () => {
    const looks = new ProcessLooks();
    const first = looks.look();
    const second = looks.look();
    const third = looks.look();
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    await second;
    expect(looks.look()).not.toBe(second);
  });

  test("a server that began nothing starts no reaper", async () => {
    const host = new ProcessHost({ clock: systemClock, ids: randomIds, log: silentLog });
    await host.close();
    const children = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
    const commands = await Promise.all(
      children
        .trim()
        .split(" ")
        .filter(Boolean)
        .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
    );
    expect(commands.filter((one) => one.includes("kill -s KILL"))).toEqual([]);
  });
});
