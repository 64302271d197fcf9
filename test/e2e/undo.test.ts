// protocol.md section 4, Taking back: the command `/undo`, which takes runs back in a run of its own.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileGate } from "../helpers/fileGate.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { startStrictProvider } from "../helpers/strictProvider.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endServers);

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const write = (path: string, content: string) => tool("write", { path, content });

/** Runs steps of the offline model in one turn. */
async function run(session: WireSession, runId: string, ...steps: string[]): Promise<void> {
  const completion = await session.run([...steps, "@say done"].join("\n"), runId);
  expect(completion.status).toBe("succeeded");
}

let undone = 0;
/** Sends an `/undo`, and returns what it says of itself. */
async function undo(session: WireSession, command = "/undo"): Promise<string> {
  const completion = await session.run(command, `undo-${undone++}`);
  expect(completion).toMatchObject({ status: "succeeded", steps: 0 });
  expect(completion.messageId).toBeUndefined();
  return completion.text;
}

/** The text of the completion of a run that was sent without a `runId`. */
function textWithoutRunId({ sessionId }: WireSession): Promise<string> {
  return server.until(() => {
    const found = server.events("runComplete", { sessionId });
    return found.find(({ runId }) => runId === undefined)?.text;
  });
}

describe("/undo", () => {
  it("is listed", async () => {
    const { workspaceId } = await openSession(server);
    const { commands } = await server.call("listCommands", { workspaceId });
    expect(commands).toContainEqual({
      name: "undo",
      description: expect.any(String),
      argumentHint: "[n]",
      source: "builtIn",
    });
  });

  it("takes back the last run, then the one before it, then says that there is none", async () => {
    const session = await openSession(server);
    await run(session, "first", write("a.txt", "A"));
    const afterFirst = await session.messages();
    await run(session, "second", write("b\nc.txt", "B"), tool("read", { path: "a.txt" }));
    expect(await undo(session)).toBe('Took back 1 run (6 messages).\n- removed "b\\nc.txt"');
    expect(readdirSync(session.path)).toEqual(["a.txt"]);
    expect(await session.messages()).toEqual(afterFirst);
    expect(await undo(session)).toBe("Took back 1 run (4 messages).\n- removed a.txt");
    expect(readdirSync(session.path)).toEqual([]);
    expect(await session.messages()).toEqual([]);
    expect(await undo(session)).toBe("There is no run in this session that could be taken back.");
    // What was taken back can itself be taken back: each is a checkpoint.
    const { checkpoints } = await server.call("listCheckpoints", session.ids);
    expect(checkpoints.map(({ isRewind, runId }) => isRewind ?? runId)).toEqual([
      true,
      true,
      "second",
      "first",
    ]);
    const [last, before] = checkpoints.map(({ checkpointId }) => checkpointId);
    await server.call("rewindSession", { ...session.ids, checkpointId: last });
    await server.call("rewindSession", { ...session.ids, checkpointId: before });
    expect(readdirSync(session.path).sort()).toEqual(["a.txt", "b\nc.txt"]);
    expect(await undo(session)).toContain('removed "b\\nc.txt"');
    await run(session, "third", write("d.txt", "D"));
    expect(await undo(session)).toContain("removed d.txt");
    expect(await undo(session)).toContain("removed a.txt");
  });

  it("takes back several at once, and no more than there are", async () => {
    const session = await openSession(server);
    for (const name of ["a", "b", "c", "d"]) await run(session, `n-${name}`, write(name, name));
    expect(await undo(session, "/undo 2")).toBe(
      "Took back 2 runs (8 messages).\n- removed c\n- removed d",
    );
    expect(await undo(session, "/undo   7 ")).toContain(
      "Took back 2 runs (8 messages). There were no",
    );
    expect(await session.messages()).toEqual([]);
    expect(readdirSync(session.path)).toEqual([]);
  });

  it.each(["0", "-1", "101", "1e1", "all", "1 2", "９"])(
    "refuses %j and does nothing",
    async (n) => {
      const session = await openSession(server);
      await run(session, `refused-${n}`, write("a.txt", "A"));
      expect(await undo(session, `/undo ${n}`)).toMatch(/from 1 to 100.*Nothing was taken back\.$/);
      expect(existsSync(join(session.path, "a.txt"))).toBe(true);
      expect(await session.messages()).toHaveLength(4);
    },
  );

  it("leaves what somebody else has changed, and says so, also that commands ran", async () => {
    const session = await openSession(server);
    await run(
      session,
      "conflicts",
      write("mine.txt", "mine"),
      write("theirs.txt", "theirs"),
      tool("bash", { command: "echo > made-by-command" }),
    );
    writeFileSync(join(session.path, "theirs.txt"), "by hand");
    const text = await undo(session);
    expect(text).toContain("- removed mine.txt\n");
    expect(text).toMatch(/Left as they are, 1 file:\n- theirs\.txt: It does not hold/);
    expect(text).toMatch(/Commands ran too; what they did to files is not taken back\.$/);
    expect(readFileSync(join(session.path, "theirs.txt"), "utf8")).toBe("by hand");
    expect(readdirSync(session.path).sort()).toEqual(["made-by-command", "theirs.txt"]);
  });

  it("waits behind a running turn, takes that one back, and joins nothing", async () => {
    const session = await openSession(server);
    await run(session, "kept", write("a.txt", "A"));
    const gate = fileGate();
    const script = [write("b.txt", "B"), gate.step, write("c.txt", "C"), "@say done"];
    await session.send(script.join("\n"), "b");
    // Without a runId it would join, were it no command.
    await session.send("/undo");
    await session.send(write("d.txt", "D"), "behind");
    gate.open();
    expect((await server.completion("b")).foldedPrompts).toBe(0);
    expect(await textWithoutRunId(session)).toMatch(/^Took back 1 run /);
    expect((await server.completion("behind")).status).toBe("succeeded");
    expect(readdirSync(session.path)).toEqual(["a.txt", "d.txt"]);
    expect(await session.messages()).toHaveLength(8);
  });

  it("does not join where a waiting prompt was edited into it", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    const held = tool("bash", { command: "> started; until [ -e go ]; do sleep 0.02; done" });
    await session.send(`${write("b.txt", "B")}\n${held}\n@say done`, "turn");
    await expect.poll(() => existsSync(at("started"))).toBe(true);
    await session.send("something else");
    const { entries } = await server.call("listQueue", session.ids);
    await server.call("editQueued", {
      ...session.ids,
      queueId: entries[0]?.queueId ?? "",
      prompt: "/undo",
    });
    writeFileSync(at("go"), "");
    expect((await server.completion("turn")).foldedPrompts).toBe(0);
    expect(await textWithoutRunId(session)).toMatch(/^Took back 1 run .*\n- removed b.txt/);
    expect(await session.messages()).toEqual([]);
  });

  it("passes over runs that left nothing in the history", async () => {
    const session = await openSession(server);
    await run(session, "only", write("a.txt", "A"));
    await session.run("/undo nonsense", "nothing-1");
    await undo(session);
    await session.run("/compact", "nothing-2");
    await run(session, "again", write("b.txt", "B"));
    await undo(session);
    await session.run("/compact", "nothing-3");
    expect(await undo(session)).toBe("There is no run in this session that could be taken back.");
    expect(readdirSync(session.path)).toEqual([]);
  });

  it("gives a session no title, and takes back a run that was cancelled", async () => {
    const session = await openSession(server, { title: "" });
    await undo(session);
    expect((await server.call("getSession", session.ids)).title).toBe("");
    await session.send(`${write("a.txt", "A")}\n@wait 60000`, "cancelled");
    await expect.poll(() => existsSync(join(session.path, "a.txt"))).toBe(true);
    await session.cancel();
    await server.completion("cancelled");
    expect(await undo(session)).toContain("- removed a.txt");
    expect(await session.messages()).toEqual([]);
  });

  it("is only that word", async () => {
    const session = await openSession(server);
    await run(session, "stays", write("a.txt", "A"));
    expect((await session.run("/undone", "other-word")).steps).toBe(1);
    expect((await session.run(" /undo", "with-space")).steps).toBe(1);
    expect(existsSync(join(session.path, "a.txt"))).toBe(true);
  });
});

describe("a history that was rewound", () => {
  it("is one that a strict provider takes, and without what went", async () => {
    const provider = await startStrictProvider(() => 1);
    const configFile = join(makeFolder(), "config.json");
    writeFileSync(configFile, JSON.stringify(provider.config));
    const strict = startServer({ env: { TURNWIRE_CONFIG: configFile } });
    const session = await openSession(strict);
    await session.run("one: tool, say", "one");
    await session.run("two: tool, tool, say", "two");
    expect((await session.run("/undo", "undo")).text).toContain("Commands ran too");
    expect((await session.run("three: tool, say", "three")).status).toBe("succeeded");
    await session.run("/compact", "compact");
    const summarised = await session.messages();
    await session.run("four: say", "four");
    await session.run("/undo 3", "undo-3");
    expect((await session.run("five: tool, say", "five")).status).toBe("succeeded");
    const told = JSON.stringify(await session.messages());
    expect(summarised.some(({ isSummary }) => isSummary === true)).toBe(true);
    expect(told).toContain("one: tool");
    for (const gone of ["two:", "three:", "four:", "isSummary"]) expect(told).not.toContain(gone);
    expect(provider.complaints).toEqual([]);
    await provider.close();
  });
});
