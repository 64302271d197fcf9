// protocol.md section 4, Instructions and skills, with the built server.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

const houses: LoopbackServer[] = [];
afterAll(async () => {
  await endServers();
  for (const { provider } of houses) await provider.close();
});

async function start(config: object = {}, home = makeFolder()) {
  const house = await startLoopbackServer({ config, env: { HOME: home, USERPROFILE: home } });
  houses.push(house);
  return { ...house, userFolder: dirname(house.configFile), home };
}

function write(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const skill = (name: string, body: string, more = "") =>
  `---\nname: ${name}\ndescription: What ${name} is for.\n${more}---\n${body}\n`;

/** All that a model was sent, in order. */
const sent = ({ provider }: LoopbackServer, index = -1) =>
  provider.turnRequests.at(index)?.body.messages as { role: string; content: unknown }[];
const system = (house: LoopbackServer, index = -1) => String(sent(house, index)[0]?.content);
const last = (house: LoopbackServer) => JSON.stringify(sent(house).at(-1));

async function commands({ server, workspaceId }: WireSession) {
  return (await server.call("listCommands", { workspaceId })).commands;
}

describe("instructions", () => {
  it("of the user hold in every workspace, and a change is told behind", async () => {
    const house = await start();
    write(house.userFolder, "AGENTS.md", "Answer in Latin.");
    const path = makeFolder();
    write(path, "AGENTS.md", "Use tabs.");
    const session = await openSession(house.server, { path });
    await session.run("one", "r-1");
    const first = system(house);
    expect(first.indexOf("Answer in Latin.")).toBeGreaterThan(0);
    expect(first.indexOf("Use tabs.")).toBeGreaterThan(first.indexOf("Answer in Latin."));
    write(house.userFolder, "AGENTS.md", "Answer in Greek.");
    await session.run("two", "r-2");
    expect(system(house)).toBe(first);
    expect(last(house)).toContain("Answer in Greek.");
    await session.run("three", "r-3");
    expect(last(house)).not.toContain("Greek");
  });

  it.each([
    ["AGENTS.md", {}],
    ["CLAUDE.md", {}],
    [".github/copilot-instructions.md", {}],
    ["docs/HOW.md", { contextFiles: ["docs/HOW.md"] }],
  ])("are read from %s where what comes before it is not there", async (name, config) => {
    const house = await start(config);
    const path = makeFolder();
    const names = ["AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "docs/HOW.md"];
    for (const one of names.slice(names.indexOf(name))) write(path, one, `I am ${one}.`);
    await (await openSession(house.server, { path })).run("hello", "r");
    expect(system(house).match(/I am .+/g)).toEqual([`I am ${name}.`]);
  });

  it("are not read from a file that `contextFiles` may not name", async () => {
    const { server } = await start();
    const path = makeFolder();
    for (const name of ["../outside.md", "/etc/passwd", "a//b", ""]) {
      write(path, "turnwire.json", JSON.stringify({ contextFiles: [name] }));
      expect(await server.failure("createWorkspace", { path, initAgent: true })).toBe(
        "ConfigInvalid",
      );
    }
  });

  it("of a folder are told when a tool first touches it, the nearest last, and once", async () => {
    const house = await start({ permissions: { deny: ["read:secret/AGENTS.md"] } });
    const { provider } = house;
    const path = makeFolder();
    write(path, "AGENTS.md", "At the root.");
    write(path, "lib/AGENTS.md", "In lib.");
    write(path, "lib/deep/CLAUDE.md", "In deep.");
    write(path, "lib/deep/a.txt", "one");
    write(path, "secret/AGENTS.md", "In secret.");
    write(path, "secret/a.txt", "two");
    const session = await openSession(house.server, { path });
    provider.enqueue(
      reply().toolCall("read", { path: "lib/deep/a.txt" }),
      reply().toolCall("ls", { path: "lib" }),
      reply().toolCall("read", { path: "secret/a.txt" }),
    );
    expect(await session.run("look", "r-1")).toMatchObject({ status: "succeeded" });
    const told = JSON.stringify(sent(house));
    expect(system(house)).toContain("At the root.");
    expect(told.split("In lib.")).toHaveLength(2);
    expect(told.split("In deep.")).toHaveLength(2);
    expect(told.indexOf("In lib.")).toBeLessThan(told.indexOf("In deep."));
    expect(told).toContain('<agents-md file=\\"lib/deep/CLAUDE.md\\">');
    expect(told).not.toContain("In secret.");
    // Another server knows what the session was told.
    await house.server.close();
    const server = startServer({ dataDir: house.server.dataDir, env: house.env });
    await server.call("createWorkspace", { path, permissionMode: "allow", initAgent: true });
    const again = new WireSession(server, session.workspaceId, session.sessionId, path);
    write(path, "lib/AGENTS.md", "In lib, anew.");
    provider.enqueue(reply().toolCall("read", { path: "lib/deep/a.txt" }));
    await again.run("look again", "r-2");
    const after = JSON.stringify(sent(house));
    expect(after.split("In deep.")).toHaveLength(2);
    expect(after.split("In lib, anew.")).toHaveLength(2);
  });
});

describe("skills", () => {
  it("of the user are named to the model, read when needed, and called up as commands", async () => {
    const house = await start();
    const { provider, userFolder, home } = house;
    write(userFolder, "skills/review/SKILL.md", skill("review", "Look at $ARGUMENTS twice."));
    write(userFolder, "skills/review/more.md", "And a third time.");
    write(home, ".agents/skills/notes/SKILL.md", skill("notes", "Write them down."));
    write(
      userFolder,
      "skills/hidden/SKILL.md",
      skill("hidden", "Only by hand.", "disable-model-invocation: true\nargument-hint: '[what]'\n"),
    );
    const session = await openSession(house.server);
    expect(await commands(session)).toEqual([
      expect.objectContaining({ name: "compact", source: "builtIn" }),
      expect.objectContaining({ name: "undo", source: "builtIn" }),
      {
        name: "hidden",
        description: "What hidden is for.",
        argumentHint: "[what]",
        source: "skill",
      },
      expect.objectContaining({ name: "notes", source: "skill" }),
      expect.objectContaining({ name: "review", source: "skill" }),
    ]);
    provider.enqueue(
      reply().toolCall("skill", { name: "review" }),
      reply().toolCall("skill", { name: "review", file: "more.md" }),
      reply().toolCall("skill", { name: "hidden" }),
    );
    await session.run("please review", "r-1");
    expect(system(house)).toContain("- notes: What notes is for.\n- review: What review is for.");
    expect(system(house)).not.toContain("hidden");
    expect(system(house, 0)).not.toContain("twice");
    const told = JSON.stringify(sent(house));
    expect(told).toContain("Look at $ARGUMENTS twice.");
    expect(told).toContain("And a third time.");
    expect(told).toContain("There is no skill hidden.");
    await session.run("/review a.ts & b.ts", "r-2");
    expect(last(house)).toContain("Look at a.ts & b.ts twice.");
    await session.run("/notes of today", "r-3");
    expect(last(house)).toContain("Arguments: of today");
    await session.run("/reviews are text", "r-4");
    expect(last(house)).not.toContain("twice");
  });

  it.each([
    [true, "trusted"],
    [false, "not trusted"],
  ])("of a workspace count: %s, where it is %s", async (trusted) => {
    const house = await start();
    write(house.userFolder, "skills/mine/SKILL.md", skill("mine", "Mine."));
    const path = makeFolder();
    for (const [folder, name] of [
      [".turnwire", "a"],
      [".agents", "b"],
      [".claude", "c"],
      [".turnwire", "mine"],
    ]) {
      write(
        path,
        `${folder}/skills/${name}/SKILL.md`,
        skill(`${name}`, `The workspace's ${name}.`),
      );
    }
    const session = await openSession(house.server, { path, trusted });
    await session.run("/mine", "r-1");
    expect(last(house)).toContain("Mine.");
    expect(last(house)).not.toContain("The workspace's");
    const names = (await commands(session)).map(({ name }) => name);
    expect(names).toEqual(
      trusted ? ["compact", "undo", "a", "b", "c", "mine"] : ["compact", "undo", "mine"],
    );
    expect(system(house).includes("- b: What b is for.")).toBe(trusted);
  });

  it("that come and go change nothing of what was sent, and are told behind", async () => {
    const house = await start();
    const session = await openSession(house.server);
    await session.run("one", "r-1");
    const first = system(house);
    write(house.userFolder, "skills/late/SKILL.md", skill("late", "Late."));
    await session.run("two", "r-2");
    expect(system(house)).toBe(first);
    expect(last(house)).toContain("- late: What late is for.");
  });

  it("that are denied are not told, not read and not called up", async () => {
    const house = await start({ permissions: { deny: ["read:**/closed/**"] } });
    write(house.userFolder, "skills/closed/SKILL.md", skill("closed", "Closed."));
    write(house.userFolder, "skills/open/SKILL.md", skill("open", "Open."));
    const session = await openSession(house.server);
    house.provider.enqueue(reply().toolCall("skill", { name: "closed" }));
    await session.run("/closed now", "r-1");
    expect(JSON.stringify(sent(house))).not.toContain("Closed.");
    expect((await commands(session)).map(({ name }) => name)).toEqual(["compact", "undo", "open"]);
  });

  it("that are traps are left out, and the person is told why", async () => {
    const house = await start();
    const path = makeFolder();
    const outside = makeFolder();
    write(outside, "SKILL.md", skill("outside", "secret"));
    const place = join(path, ".turnwire", "skills");
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (let depth = 0; depth < 9; depth++) {
      const [of, to] = ["abcdefghij"[depth], "abcdefghij"[depth + 1]];
      bomb.push(`${to}: &${to} [*${of},*${of},*${of},*${of},*${of},*${of},*${of},*${of}]`);
    }
    write(place, "laughs/SKILL.md", `---\n${bomb.join("\n")}\nname: laughs\n---\n`);
    write(place, "binary/SKILL.md", "---\nname: \0\n---\n");
    write(place, "endless/SKILL.md", `---\n${"x: y\n".repeat(100_000)}---\n`);
    write(place, "nested/SKILL.md", `---\na: ${"[".repeat(4_000)}\n---\n`);
    write(place, "none/SKILL.md", "no front matter");
    write(place, "untold/SKILL.md", "---\nname: untold\n---\nbody");
    write(place, "named/SKILL.md", skill("'../../x'", "body"));
    mkdirSync(join(place, "file"), { recursive: true });
    symlinkSync(join(outside, "SKILL.md"), join(place, "file", "SKILL.md"));
    symlinkSync(outside, join(place, "folder"));
    write(place, "long/SKILL.md", skill("long", `${"word ".repeat(40_000)}end`));
    const session = await openSession(house.server, { path, trusted: true });
    const { warnings = [] } = await session.run("/long", "r-1");
    expect(last(house)).toContain("the rest is left out");
    expect((await commands(session)).map(({ name }) => name)).toEqual(["compact", "undo", "long"]);
    expect(JSON.stringify(sent(house))).not.toContain("secret");
    const left = ["laughs", "binary", "endless", "nested", "none", "untold", "named"];
    for (const name of [...left, "file", "folder"]) {
      expect(warnings.join("\n"), name).toContain(`The skill ${name} is left out`);
    }
  });
});

describe("/compact", () => {
  it("does not join a running turn, and runs behind it", async () => {
    const house = await start();
    const session = await openSession(house.server);
    const gate = new Gate(house.provider);
    house.provider.enqueue(reply().gate(gate.opened).toolCall("ls", { path: "." }));
    await session.send("begin", "r-1");
    await gate.reached();
    await session.send("joins");
    await session.send("/compact");
    gate.open();
    const ofSession = { sessionId: session.sessionId };
    const ends = await house.server.until(() => {
      const found = house.server.events("runComplete", ofSession);
      return found.length === 2 ? found : undefined;
    });
    expect(ends).toMatchObject([
      { runId: "r-1", foldedPrompts: 1 },
      { status: "succeeded", text: "Summary by the loopback provider." },
    ]);
    expect(JSON.stringify(sent(house))).not.toContain("/compact");
  });

  it("summarises the session in a run of its own", async () => {
    const house = await start();
    const session = await openSession(house.server);
    await session.run("remember the number 7", "r-1");
    const completion = await session.run("/compact", "r-2");
    expect(completion).toMatchObject({
      status: "succeeded",
      text: "Summary by the loopback provider.",
    });
    await session.run("go on", "r-3");
    const told = JSON.stringify(sent(house));
    expect(told).toContain("Summary by the loopback provider.");
    expect(told).not.toContain("remember the number");
    expect(told).not.toContain("/compact");
  });
});
