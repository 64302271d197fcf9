// A machine that has too little of something: the tool that wanted it is told, and all else goes on.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { onThisMachine } from "../helpers/longestHold.js";
import {
  asFirstProcess,
  canRun,
  type Runner,
  withDescriptors,
  withForeignProc,
  withOtherLoadavg,
  withoutProc,
} from "../helpers/namespaces.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const bash = (command: string, more: object = {}) =>
  `@tool bash ${JSON.stringify({ command, ...more })}`;

async function open(server: ServerProcess): Promise<WireSession> {
  await server.call("initialize", { clientId: "a-client" });
  return openSession(server);
}

/** What the run's only tool call gave. */
async function toolOutput(session: WireSession): Promise<string> {
  const parts = (await session.messages()).flatMap(({ parts }) => parts);
  return parts.flatMap((part) => (part.type === "toolResult" ? [part.output] : [])).join("\n");
}

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("few file descriptors", () => {
  it.each([48, 64])("40 commands at once with %d cost no run", async (descriptors) => {
    const server = startServer({ program: withDescriptors(descriptors) });
    const first = await open(server);
    const sessions = [first];
    while (sessions.length < 40) sessions.push(await first.another());
    await Promise.all(
      sessions.map((session, index) => session.run(bash("sleep 0.1; echo ran"), `r-${index}`)),
    );
    const completions = server.events("runComplete");
    expect(completions.map(({ status }) => status)).toEqual(sessions.map(() => "succeeded"));
    for (const session of sessions) {
      const output = await toolOutput(session);
      if (output !== "ran") expect(output).toMatch(/too many files are open/);
    }
    expect(await server.close()).toEqual({ code: 0, signal: null });
  });
});

/** Runs a command that never ends, cancels it, and sees to it that nothing of it is left. */
async function cancelEndsAll(server: ServerProcess): Promise<void> {
  const session = await open(server);
  const mark = uniqueSeconds();
  await session.send(bash(`sleep ${mark} & echo begun; sleep ${mark}`), "r-1");
  await server.event("messageDelta", { kind: "toolOutput" });
  const began = Date.now();
  await session.cancel();
  expect(await server.completion("r-1")).toMatchObject({ status: "cancelled" });
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(processesWith(mark)).toEqual([]);
}

const places: Readonly<Record<string, Runner>> = {
  "where /proc is not mounted": withoutProc,
  "where /proc is that of another PID namespace": withForeignProc,
  "as the first process of a container": asFirstProcess,
};

describe.each(Object.entries(places))("%s", (_, program) => {
  const here = unless(
    it,
    notOnLinux || !canRun(program),
    "this needs Linux and the right to make namespaces",
  );

  here("a cancel ends a command and what it began", async () => {
    await cancelEndsAll(startServer({ program }));
  });

  here("a command that leaves something behind ends all the same", async () => {
    const server = startServer({ program });
    const session = await open(server);
    const mark = uniqueSeconds();
    const began = Date.now();
    await session.run(bash(`sleep ${mark} >/dev/null & echo ran`), "r-1");
    expect(await toolOutput(session)).toBe("ran");
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(processesWith(mark)).toEqual([]);
    expect(await server.close()).toEqual({ code: 0, signal: null });
  });
});

const placeOfLoadavg = mkdtempSync(join(tmpdir(), "loadavg-"));
const loadavg = join(placeOfLoadavg, "loadavg");
writeFileSync(loadavg, "0.00 0.00 0.00 1/1 1\n");
afterAll(() => rmSync(placeOfLoadavg, { recursive: true }));

unless(
  it,
  notOnLinux || !canRun(withOtherLoadavg(loadavg)),
  "this needs Linux and the right to make namespaces",
)("what a command began ends with it, whatever is in the place of /proc/loadavg", async () => {
  const server = startServer({ program: withOtherLoadavg(loadavg) });
  const session = await open(server);
  const mark = uniqueSeconds();
  onTestFinished(() => {
    for (const line of processesWith(mark)) process.kill(Number.parseInt(line, 10), "SIGKILL");
  });
  // As if no number had been given since the command's own.
  const lies = `echo "0.00 0.00 0.00 1/1 $$" >'${loadavg}'`;
  const leaves = `(env -i setsid sh -c 'echo $$ >pid; exec sleep ${mark}' </dev/null >/dev/null 2>&1 &)`;
  await session.run(bash(`${lies}; ${leaves}; until [ -s pid ]; do :; done`), "r-1");
  expect(processesWith(mark)).toEqual([]);
  expect(await server.close()).toEqual({ code: 0, signal: null });
});

unless(
  it,
  notOnLinux || !canRun(asFirstProcess),
  "this needs Linux and the right to make namespaces",
)("the first process of a container says that it leaves zombies", async () => {
  const server = startServer({ program: asFirstProcess });
  await server.settle();
  await server.close();
  expect(server.stderr).toContain("--init");
  const other = startServer();
  await other.settle();
  await other.close();
  expect(other.stderr).not.toContain("--init");
});

unless(
  describe,
  notOnLinux,
  "it counts descriptors in /proc",
)("many workspaces", () => {
  it("that each ran a command are ended together, in moments", async () => {
    const server = startServer();
    await server.call("initialize", { clientId: "a-client" });
    const sessions = [];
    for (let index = 0; index < 60; index++) sessions.push(await openSession(server));
    await Promise.all(sessions.map((session, index) => session.run(bash("true"), `r-${index}`)));
    const began = Date.now();
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(onThisMachine(3_000));
  });
});
