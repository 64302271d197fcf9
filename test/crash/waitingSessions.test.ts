// Sessions whose runs wait for a server: forks, rewinds and deletes of them, and servers that are lost
// while they do that. Each run has one completion, and no fork has half a turn.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/protocol/objects/message.js";
import { GoneError, RpcError, type ServerChild } from "../helpers/serverChild.js";
import { openStored } from "../helpers/storedFile.js";
import { type Desk, Desks, effect, expectWhole, type SessionIds, tool } from "./desk.js";

let desks: Desks;
beforeAll(() => {
  desks = new Desks();
});
afterAll(() => desks.close());

const needed = { NEEDED: "1" };
const plain = { onServerLoss: "interrupt" };
const turn = `@say I begin\n${effect("one")}\n@say done`;
/** The messages of the turn before it. */
const before = 4;

/** A session in which a turn has ended, and the server is lost in the next one, with runs behind it. */
async function lost(point: string, prompts: Readonly<Record<string, [string, object]>>) {
  const desk = desks.open();
  const dying = await desk.server({ point, workspaceEnv: needed });
  const dead = (async () => {
    await desk.session(dying);
    await desk.send(dying, "first", `@say one\n${tool("write", file("one"))}\n@say done`, plain);
    await desk.wait(dying, "first");
    for (const [runId, [prompt, more]] of Object.entries(prompts)) {
      await desk.send(dying, runId, prompt, more);
    }
    await dying.exited;
    throw new GoneError("in good time");
  })();
  await expect(dead).rejects.toBeInstanceOf(GoneError);
  return desk;
}

const file = (content: string) => ({ path: "a.txt", content });

/** What a client is refused with. */
async function refusal(request: Promise<unknown>): Promise<unknown> {
  const error = await request.catch((refused: unknown) => refused);
  return error instanceof RpcError ? error.data.name : error;
}

async function fork(desk: Desk, server: ServerChild, messageId?: string): Promise<SessionIds> {
  const { id } = await server.request("forkSession", { ...desk.ids, messageId });
  return { ...desk.ids, sessionId: String(id) };
}

const partsOf = (messages: readonly Message[]) => messages.map(({ role, parts }) => [role, parts]);

/** What each run ended as; a run with two completions is told twice. */
async function ends(desk: Desk, server: ServerChild): Promise<string[]> {
  const all = await desk.completions(server);
  return all.map(({ runId, status, cause }) => `${runId}: ${status}${cause ? ` (${cause})` : ""}`);
}

const points = [
  { point: "accepted:2", effects: { one: 1 } },
  { point: "turnBegun:2", effects: { one: 1 } },
  { point: "modelCalled:4", effects: { one: 1 } },
  { point: "replyStored:3", effects: { one: 1 } },
  { point: "toolPending:1", effects: { one: 1 } },
  { point: "toolRunning:2", effects: {} },
  { point: "toolDone:2", effects: { one: 1 } },
  { point: "resultStored:2", effects: { one: 1 } },
  { point: "finishing:2", effects: { one: 1 } },
];

describe("a fork of a session whose run waits", () => {
  test.concurrent.each(points)(
    "has the whole turns, and what it goes on from is whole too: $point",
    async ({ point, effects }) => {
      const desk = await lost(point, { r: [turn, {}] });
      const waiting = await desk.server();
      const messages = await desk.messages(waiting);
      const whole = await fork(desk, waiting);
      expect(partsOf(await desk.messages(waiting, whole))).toEqual(
        partsOf(messages.slice(0, before)),
      );
      for (const { id } of messages.slice(before)) {
        const half = await fork(desk, waiting, id);
        expectWhole(await desk.messages(waiting, half));
        await waiting.request("sendMessage", { ...half, runId: `in-${id}`, prompt: "@say more" });
        expect(await desk.wait(waiting, `in-${id}`)).toMatchObject({ status: "succeeded" });
        expectWhole(await desk.messages(waiting, half));
      }
      expect(await refusal(waiting.request("rewindSession", { ...desk.ids, runId: "first" }))).toBe(
        "SessionBusy",
      );
      expect(await waiting.end()).toBe(0);
      const server = await desk.server({ workspaceEnv: needed });
      expect(await desk.wait(server, "r")).toMatchObject({ status: "succeeded", continuations: 1 });
      expect(desk.effects).toEqual(effects);
      expectWhole(await desk.messages(server));
      expect(await ends(desk, server)).toHaveLength(2 + messages.slice(before).length);
      expect(await server.end()).toBe(0);
    },
  );

  test("is given up with its server, and the run goes on", async () => {
    const desk = await lost("toolDone:2", { r: [turn, {}] });
    const dying = await desk.server({ point: "forkCopied:1" });
    await expect(fork(desk, dying)).rejects.toBeInstanceOf(GoneError);
    const server = await desk.server({ workspaceEnv: needed });
    expect(await desk.wait(server, "r")).toMatchObject({ status: "succeeded" });
    const { sessions } = await server.request("listSessions", {
      workspaceId: desk.ids.workspaceId,
    });
    expect(sessions).toHaveLength(1);
    expect(await server.end()).toBe(0);
  });
});

/** What goes on, what does not, and what joins. */
const mixed = {
  r: [`@say I begin\n${tool("write", file("two"))}\n${effect("one")}\n@say done`, {}],
  plain: ["@say plain", plain],
  queued: ["@say queued", {}],
} as const satisfies Readonly<Record<string, readonly [string, object]>>;
const mixedQueue = () => lost("toolDone:3", mixed as never);

describe("a session whose runs wait", () => {
  test("is deleted with one end for each of them, and its forks stay", async () => {
    const desk = await mixedQueue();
    const waiting = await desk.server();
    const copy = await fork(desk, waiting);
    await waiting.request("deleteSession", { ...desk.ids });
    expect((await ends(desk, waiting)).toSorted()).toEqual([
      "first: succeeded",
      "plain: interrupted (crash)",
      "queued: cancelled (deleted)",
      "r: cancelled (deleted)",
    ]);
    expect(await waiting.end()).toBe(0);
    const server = await desk.server({ workspaceEnv: needed });
    await server.request("sendMessage", { ...copy, runId: "in-copy", prompt: "@say more" });
    await desk.wait(server, "in-copy");
    expect(await ends(desk, server)).toHaveLength(5);
    expect(desk.effects).toEqual({ one: 1 });
    expect(await server.end()).toBe(0);
  });

  test("is rewound once they are cancelled, also by a server that is lost meanwhile", async () => {
    const desk = await mixedQueue();
    const dying = await desk.server({ point: "rewindPlanned:1" });
    const asked = { ...desk.ids, runId: "r" };
    expect(await refusal(dying.request("rewindSession", asked))).toBe("SessionBusy");
    await dying.request("cancelRun", { workspaceId: desk.ids.workspaceId, runId: "r" });
    expect(await refusal(dying.request("rewindSession", asked))).toBe("SessionBusy");
    await dying.request("cancelSession", desk.ids);
    await expect(dying.request("rewindSession", asked)).rejects.toBeInstanceOf(GoneError);
    const server = await desk.server({ workspaceEnv: needed });
    const path = join(desk.workspace, "a.txt");
    await expect.poll(() => readFileSync(path, "utf8")).toBe("one");
    await expect.poll(async () => (await desk.messages(server)).length).toBe(before);
    expect((await ends(desk, server)).toSorted()).toEqual([
      "first: succeeded",
      "plain: interrupted (crash)",
      "queued: cancelled (user)",
      "r: cancelled (user)",
    ]);
    await server.request("sendMessage", { ...desk.ids, runId: "more", prompt: "@say more" });
    expect(await desk.wait(server, "more")).toMatchObject({ status: "succeeded" });
    expectWhole(await desk.messages(server));
    expect(await server.end()).toBe(0);
  });

  test.concurrent.each(["rewindPlanned:1", "rewindMoved:1", "rewinding:1", "rewound:1"])(
    "goes on behind an /undo whose server was lost: %s",
    async (point) => {
      const desk = await lost(point, {
        slow: [`@wait 1000\n${tool("write", file("two"))}\n@say done`, plain],
        undo: ["/undo", {}],
        r: [turn, {}],
      });
      const server = await desk.server({ workspaceEnv: needed });
      expect(await desk.wait(server, "r")).toMatchObject({ status: "succeeded", continuations: 1 });
      expect(await ends(desk, server)).toEqual([
        "first: succeeded",
        "slow: succeeded",
        "undo: interrupted (crash)",
        "r: succeeded",
      ]);
      expect(readFileSync(join(desk.workspace, "a.txt"), "utf8")).toBe("one");
      expect(desk.effects).toEqual({ one: 1 });
      expectWhole(await desk.messages(server));
      expect(await server.end()).toBe(0);
    },
  );

  test("goes on behind an /undo that takes the next server a while to finish", async () => {
    const desk = desks.open();
    const dying = await desk.server({ point: "rewindMoved:1" });
    await desk.send(dying, "slow", `${effect("begun")}\n@wait 2000\n@say done`, plain);
    await desk.send(dying, "undo", "/undo");
    await desk.send(dying, "r", turn);
    await expect.poll(() => desk.effects).toEqual({ begun: 1 });
    sayMuch(desk, 40_000);
    await dying.exited;
    const server = await desk.server();
    expect(await desk.wait(server, "r")).toMatchObject({ status: "succeeded", continuations: 1 });
    expect(await desk.messages(server)).toHaveLength(before);
    expect(await server.end()).toBe(0);
  });
});

/** The first turn has said more than can be taken back in one step. */
function sayMuch({ dataDir, ids }: Desk, messages: number): void {
  const sqlite = openStored(join(dataDir, "turnwire.db"));
  const parts = JSON.stringify([{ type: "text", text: "word ".repeat(20) }]);
  sqlite
    .prepare(
      `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       INSERT INTO messages (id, sessionId, run, role, parts, createdAt, updatedAt)
         SELECT 'much_' || n, ?, 1, 'user', ?, 1, 1 FROM numbers`,
    )
    .run(messages, ids.sessionId, parts);
  sqlite.close();
}

describe("a question of a run that waits", () => {
  const asking = { permissionSeconds: 3600, permissionMode: "ask" } as const;

  /** A run whose server is lost while it asks; in another server, which cannot go on with it. */
  async function asked() {
    const desk = desks.open();
    const dying = await desk.server({ ...asking, workspaceEnv: needed });
    await desk.send(dying, "r", turn);
    await expect.poll(() => questions(dying)).toHaveLength(1);
    await dying.kill();
    const server = await desk.server(asking);
    const [permissionId] = await questions(server);
    return { desk, server, answer: { permissionId, decision: "allow" } };
  }

  async function questions(server: ServerChild): Promise<string[]> {
    const { permissions } = await server.request("listPermissions", {});
    return (permissions as { permissionId: string }[]).map(({ permissionId }) => permissionId);
  }

  test.each([
    ["its session is deleted", "deleteSession", {}, "deleted"],
    ["its session is cancelled", "cancelSession", {}, "user"],
    ["it is cancelled", "cancelRun", { runId: "r" }, "user"],
  ])("is gone when %s, and an answer comes too late", async (_, method, more, cause) => {
    const { desk, server, answer } = await asked();
    await server.request(method, { ...desk.ids, ...more });
    expect(await questions(server)).toEqual([]);
    expect(await refusal(server.request("answerPermission", answer))).toBe("PermissionNotFound");
    expect(await ends(desk, server)).toEqual([`r: cancelled (${cause})`]);
    expect(await server.end()).toBe(0);
    const next = await desk.server({ ...asking, workspaceEnv: needed });
    expect(await questions(next)).toEqual([]);
    expect(await ends(desk, next)).toEqual([`r: cancelled (${cause})`]);
    expect(desk.effects).toEqual({});
    expect(await next.end()).toBe(0);
  });

  test("is not asked in a fork, and its answer counts in the session alone", async () => {
    const { desk, server, answer } = await asked();
    const last = (await desk.messages(server)).at(-1)?.id;
    const copy = await fork(desk, server, last);
    expect(await questions(server)).toEqual([answer.permissionId]);
    await server.request("answerPermission", answer);
    expect(await refusal(server.request("answerPermission", answer))).toBe("PermissionNotFound");
    expect(await server.end()).toBe(0);
    const next = await desk.server({ ...asking, workspaceEnv: needed });
    expect(await desk.wait(next, "r")).toMatchObject({ status: "succeeded", continuations: 1 });
    expect(desk.effects).toEqual({ one: 1 });
    expectWhole(await desk.messages(next));
    expectWhole(await desk.messages(next, copy));
    expect(await next.end()).toBe(0);
  });
});
