// protocol.md section 3: finding sessions by their words.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let runs = 0;

beforeAll(async () => {
  loopback = await startLoopbackServer();
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

/** Says something in a session; the model answers it. */
async function say(session: WireSession, prompt: string, answer = "ok"): Promise<void> {
  loopback.provider.enqueue(reply().text(answer));
  await session.run(prompt, `search-${runs++}`);
}

async function search(query: string, more: object = {}, server = loopback.server) {
  return server.call("searchSessions", { query, ...more });
}

async function found(query: string, more: object = {}, server?: ServerProcess) {
  return (await search(query, more, server)).results.map(({ session }) => session.id);
}

describe("searchSessions", () => {
  it("finds what users and models said, with the message and a piece of it", async () => {
    const session = await openSession(loopback.server);
    await say(session, "Where is the zeppelin kept?", "In the **hangar**, behind the aerodrome.");
    const [prompt, answer] = await session.messages();
    expect((await search("zeppelin")).results).toEqual([
      {
        session: {
          ...(await loopback.server.call("getSession", session.ids)),
          workspacePath: session.path,
        },
        messageId: prompt?.id,
        snippet: "Where is the zeppelin kept?",
      },
    ]);
    expect((await search("HANGAR aerodrome")).results).toMatchObject([
      { messageId: answer?.id, snippet: "In the **hangar**, behind the aerodrome." },
    ]);
    expect(await found("aerod")).toEqual([session.sessionId]);
    expect(await found("zeppelin hangar")).toEqual([]);
  });

  it("finds titles, also changed ones, and tells no message then", async () => {
    const session = await openSession(loopback.server, { title: "About quokkas" });
    expect((await search("quokkas")).results).toMatchObject([{ snippet: "About quokkas" }]);
    expect((await search("quokkas")).results[0]).not.toHaveProperty("messageId");
    await loopback.server.call("updateSession", { ...session.ids, title: "About numbats" });
    expect(await found("quokkas")).toEqual([]);
    expect(await found("numbats")).toEqual([session.sessionId]);
  });

  it("tells a session once, those with a title first, and each part newest first, by pages", async () => {
    const first = await openSession(loopback.server, { title: "axolotl one" });
    const second = await first.another();
    const third = await openSession(loopback.server);
    for (const one of [second, third, second]) await say(one, "an axolotl", "axolotl, axolotl");
    const order = [first, second, third].map(({ sessionId }) => sessionId);
    expect(await found("axolotl")).toEqual(order);
    const pages: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search("axolotl", { limit: 1, ...defined({ cursor }) });
      pages.push(...page.results.map(({ session }) => session.id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(pages).toEqual(order);
    const { workspaceId } = third;
    expect(await found("axolotl", { workspaceId })).toEqual([third.sessionId]);
    expect(await loopback.server.failure("searchSessions", { query: "x", workspaceId: "no" })).toBe(
      "WorkspaceNotFound",
    );
    expect(await loopback.server.failure("searchSessions", { query: "x", cursor: "no" })).toBe(
      "InvalidParams",
    );
  });

  it.each([
    ["検索", "全文検索を直してください"],
    ["鰻", "鰻丼を食べる"],
    ["数据库", "请修复数据库连接"],
    ["ค้นหา", "ช่วยค้นหาไฟล์นี้หน่อย"],
    ["검색", "검색기를 고쳐 주세요"],
    ["🦩", "a flamingo 🦩🦩"],
    ["uberprufung", "eine Überprüfung"],
    ["поиск", "Исправь ПОИСК"],
    ["foo_bar(baz", "call foo_bar(baz) again"],
  ])("finds %s in %s", async (query, text) => {
    const session = await openSession(loopback.server);
    await say(session, text);
    const { results } = await search(query);
    expect(results.map((one) => one.session.id)).toEqual([session.sessionId]);
    expect(results[0]?.snippet).toBe(text);
  });

  it.each([
    '"',
    "'",
    '"unclosed',
    "AND",
    "OR NOT",
    "NEAR(a b)",
    "text:x",
    "place:s1",
    "*",
    "(",
    "-x",
    "^x",
    "\0",
    "a\0b",
    "{text}:y",
    "%_",
    ";DROP TABLE messages",
    "\ud800",
    `${"x".repeat(10_000)}`,
    `${'" OR "'.repeat(2_000)}`,
    `${"漢".repeat(5_000)}`,
  ])("takes %j as plain words", async (query) => {
    const { results } = await search(query);
    expect(Array.isArray(results)).toBe(true);
  });

  it("finds neither thoughts, outputs of tools and summaries, nor how the index is made", async () => {
    const session = await openSession(loopback.server);
    loopback.provider.enqueue(
      reply().reasoning("cassowary").toolCall("bash", { command: "echo capybara" }),
      reply().text("done"),
    );
    await session.run("look", "unsaid");
    for (const word of ["cassowary", "capybara", `s${1}`]) expect(await found(word)).toEqual([]);
  });

  it("forgets a session with its messages", async () => {
    const session = await openSession(loopback.server, { title: "pangolin" });
    await say(session, "the pangolin");
    expect(await found("pangolin")).toEqual([session.sessionId]);
    await loopback.server.call("deleteSession", session.ids);
    expect(await found("pangolin")).toEqual([]);
  });

  it("finds what was said to a server that was killed, and before there was an index", async () => {
    const own = await startLoopbackServer();
    const session = await openSession(own.server, { title: "okapi" });
    own.provider.enqueue(
      reply()
        .text("the bongo answers")
        .gate(new Promise(() => {})),
    );
    await session.send("the okapi asks", "killed");
    await own.server.event("messageDelta", {});
    const stored = openStored(join(own.server.dataDir, "turnwire.db"), { readOnly: true });
    const count = stored.prepare("SELECT count(*) AS n FROM messages WHERE parts LIKE '%bongo%'");
    await expect.poll(() => count.get(), { interval: 20 }).toEqual({ n: 1 });
    stored.close();
    await own.server.kill();
    const next = startServer({ dataDir: own.server.dataDir, env: own.env });
    await next.call("listWorkspaces", {});
    expect(await found("okapi asks", {}, next)).toEqual([session.sessionId]);
    expect(await found("bongo", {}, next)).toEqual([session.sessionId]);
    await next.close();
    // As a file of before is after its migration: nothing is indexed yet.
    const file = openStored(join(own.server.dataDir, "turnwire.db"));
    file.exec("DELETE FROM searchIndex");
    file.exec("UPDATE notes SET value = '1000000' WHERE name LIKE 'search%Below'");
    file.close();
    const last = startServer({ dataDir: own.server.dataDir, env: own.env });
    expect(await found("okapi asks", {}, last)).toEqual([session.sessionId]);
    expect((await search("okapi", {}, last)).results).toHaveLength(1);
    await own.provider.close();
  });

  it("finds at once what another server has just been told, and has all of it in the index soon", async () => {
    const own = await startLoopbackServer();
    const session = await openSession(own.server, { title: "first" });
    const other = startServer({ dataDir: own.server.dataDir, env: own.env });
    await other.call("listWorkspaces", {});
    for (const word of ["tapir", "dugong", "kiwi"]) {
      own.provider.enqueue(reply().text(`the ${word} answers`));
      await session.run(`the ${word} asks`, `search-${word}`);
      expect(await found(`${word} answers`, {}, other)).toEqual([session.sessionId]);
    }
    own.provider.enqueue(reply().text("the numbat answers"));
    await session.run("the numbat asks", "search-numbat");
    const stored = openStored(join(own.server.dataDir, "turnwire.db"), { readOnly: true });
    const noted = stored.prepare("SELECT count(*) AS n FROM unindexed");
    const indexed = stored.prepare(
      "SELECT count(*) AS n FROM searchIndex WHERE searchIndex MATCH ?",
    );
    // Nobody searches.
    await expect.poll(() => noted.get(), { interval: 50, timeout: 10_000 }).toEqual({ n: 0 });
    expect(indexed.get("numbat")).toEqual({ n: 2 });
    stored.close();
    await other.close();
    await own.server.close();
    await own.provider.close();
  });
});
