// One damaged row, as a disk or another program leaves it: what cannot be read is passed over and
// told, and everything else goes on.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toMessage, toSession } from "../../src/coordinator/wireObjects.js";
import type { DamagedRow } from "../../src/storage/damage.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { bySqlite, overwritePages } from "../helpers/damage.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let ids: CountingIds;
let told: DamagedRow[];
const houses: CoordinatorHouse[] = [];

function open(): CoordinatorHouse {
  const house = new CoordinatorHouse({
    directory: folder.path,
    ids,
    onDamaged: (row) => told.push(row),
  });
  houses.push(house);
  return house;
}

function crash(house: CoordinatorHouse): void {
  houses.splice(houses.indexOf(house), 1);
  house.crash();
}

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
  ids = new CountingIds();
  told = [];
});

afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
  folder.remove();
});

/** Fills a page, so that rows do not share one; more than that is in pages of its own. */
const filler = (mark: string, size = 3200) => mark.repeat(Math.ceil(size / mark.length));

/** A run that was under way when its server died, with a reply of these words. */
async function interrupted(
  house: CoordinatorHouse,
  sessionId: string,
  runId: string,
  text: string,
) {
  const turn = await house.begin(sessionId, { runId, text: filler(`asks ${runId} `) });
  const reply = turn.request.sink.createMessage({ role: "assistant" });
  reply.append(reply.addPart({ type: "text", text: "" }), text);
  await house.clock.advance(250);
  return reply.id;
}

/** Ways to damage the message with an id, in which `mark` stands. */
const damages: [string, (id: string, mark: string) => void][] = [
  ["no JSON", (id) => bySqlite(file, "UPDATE messages SET parts = '[{' WHERE id = ?", id)],
  ["other JSON", (id) => bySqlite(file, "UPDATE messages SET parts = 'null' WHERE id = ?", id)],
  ["pages of garbage", (_, mark) => expect(overwritePages(file, mark)).toBeGreaterThan(0)],
  ["pages of zeros", (_, mark) => expect(overwritePages(file, mark, 0)).toBeGreaterThan(0)],
  [
    "more than can be held",
    (id) =>
      bySqlite(
        file,
        "UPDATE messages SET parts = printf('[%s%300000000c', '', 32) WHERE id = ?",
        id,
      ),
  ],
];

describe.each(damages)("a crashed run whose message has %s", (_, damage) => {
  it("ends as damaged, and the others as ever", async () => {
    const dying = open();
    for (const id of ["s", "t"]) dying.session(id);
    const broken = await interrupted(dying, "s", "a", filler("broken words ", 9000));
    await interrupted(dying, "t", "b", "whole words");
    crash(dying);
    damage(broken, "broken words");
    const house = open();
    expect(house.completion("a")).toMatchObject({
      status: "interrupted",
      text: "",
      errorName: "StorageDamaged",
      cause: "crash",
      messageId: broken,
    });
    expect(house.completion("b")).toMatchObject({ text: "whole words", errorName: "Interrupted" });
    expect(told).toContainEqual(expect.objectContaining({ table: "messages", id: broken }));
    expect(open().allCompletions()).toHaveLength(2);
  });

  it("can be read around, and its session goes on", async () => {
    const dying = open();
    dying.session("s");
    dying.session("t");
    const broken = await interrupted(dying, "s", "a", filler("broken words ", 9000));
    // Behind a page that is damaged at the end of a table nothing can be added to it.
    await interrupted(dying, "t", "other", "whole words");
    crash(dying);
    damage(broken, "broken words");
    const house = open();
    const row = house.messages.find("s", broken);
    expect(row && toMessage(row, house.messages)).toMatchObject({
      id: broken,
      sessionId: "s",
      role: "assistant",
      errorName: "StorageDamaged",
      parts: [
        { type: "text", text: "" },
        { type: "finish", reason: "error" },
      ],
    });
    const listed = house.messages.list("s", -1).rows.map((one) => toMessage(one, house.messages));
    expect(listed.map(({ role, errorName }) => [role, errorName])).toEqual([
      ["user", undefined],
      ["assistant", "StorageDamaged"],
    ]);
    const turn = await house.begin("s", { runId: "b" });
    expect(turn.request.history.map(({ role }) => role)).toEqual(["user"]);
    turn.succeed("answer");
    await house.clock.settle();
    expect(house.completion("b")).toMatchObject({ status: "succeeded" });
    expect(house.sessions.delete(["s"])).toBe(true);
    expect(house.sessions.find(workspaceId, "s")).toBeUndefined();
  });
});

it("a message that is damaged in an earlier run is none of the crashed one's", async () => {
  const dying = open();
  dying.session("s");
  for (const name of ["first", "second", "third"]) {
    const turn = await dying.begin("s", { runId: name, text: filler(`${name} `) });
    turn.succeed(filler("done "));
    await dying.clock.settle();
  }
  await interrupted(dying, "s", "b", filler("last "));
  crash(dying);
  overwritePages(file, "first first");
  expect(open().completion("b")).toMatchObject({ errorName: "Interrupted" });
});

it("a summary that is damaged leaves the model the messages that it stood for", async () => {
  const house = open();
  house.session("s");
  (await house.begin("s", { runId: "a", text: "the beginning" })).succeed("done");
  await house.clock.settle();
  (await house.begin("s", { kind: "summary" })).succeed("in short");
  await house.clock.settle();
  const { summaryMessageId = "" } = house.sessions.find(workspaceId, "s") ?? {};
  bySqlite(file, "UPDATE messages SET parts = '{}' WHERE id = ?", summaryMessageId);
  const { history } = (await house.begin("s", { runId: "b" })).request;
  expect(history.flatMap(({ parts }) => parts)).toContainEqual({
    type: "text",
    text: "the beginning",
  });
});

it.each(["{", "1", '{"surroundings":1}', '{"begin":null}', '{"begin":{"date":1}}'])(
  "what was told along with a message is left out where it is %s",
  async (circumstances) => {
    const house = open();
    house.session("s");
    (await house.begin("s", { runId: "a", text: "the beginning" })).succeed("done");
    await house.clock.settle();
    bySqlite(file, "UPDATE messages SET circumstances = ?", circumstances);
    const { history } = (await house.begin("s", { runId: "b" })).request;
    expect(history).toMatchObject([{ role: "user" }, { role: "assistant" }]);
    expect(history.map((message) => message.circumstances)).toEqual([undefined, undefined]);
  },
);

describe("a completion that is damaged", () => {
  const words = filler("the end of b ");
  async function endedRuns(house: CoordinatorHouse): Promise<void> {
    for (const runId of ["a", "b", "c"]) {
      house.session(runId);
      (await house.begin(runId, { runId })).succeed(runId === "b" ? words : filler(runId));
      await house.clock.settle();
    }
  }
  const ways: [string, () => void][] = [
    ["no JSON", () => bySqlite(file, "UPDATE completions SET body = '{' WHERE run = 2")],
    ["other JSON", () => bySqlite(file, "UPDATE completions SET body = '[1]' WHERE run = 2")],
    [
      "another's body",
      () =>
        bySqlite(
          file,
          "UPDATE completions SET body = (SELECT body FROM completions WHERE run = 1) WHERE run = 2",
        ),
    ],
    ["pages of garbage", () => overwritePages(file, "end of b the end")],
  ];

  it.each(ways)("by %s is told as such, and all the others", async (_, damage) => {
    const first = open();
    await endedRuns(first);
    const { completionId } = first.completion("b") ?? {};
    await first.close();
    houses.length = 0;
    damage();
    const house = open();
    const { wire } = house.connect({ clientId: "client" });
    await house.clock.settle();
    const complete = wire.flatMap((one) => (one.method === "runComplete" ? [one.params] : []));
    expect(complete).toMatchObject([
      { runId: "a", text: filler("a"), sequence: 1 },
      {
        runId: "b",
        text: "",
        errorName: "StorageDamaged",
        sequence: 2,
        completionId,
        sessionId: "b",
      },
      { runId: "c", text: filler("c"), sequence: 3 },
    ]);
    // Counted together, the damaged one stands in the way of no other.
    let commits = 0;
    house.database.onWritten(() => commits++);
    expect(house.completions.countAttempts([1, 2, 3])).toEqual([2, expect.any(Number), 2]);
    expect(commits).toBe(1);
    expect(house.outbox.listPending("client").completions).toHaveLength(3);
    const place = { workspaceId, sessionId: "b" };
    expect(house.outbox.listPending("client", place).completions).toMatchObject([{ runId: "b" }]);
    expect(house.completion("b")).toMatchObject({ errorName: "StorageDamaged", workspaceId });
    expect(told).toContainEqual(expect.objectContaining({ table: "completions", id: 2 }));
    const all = complete.map((one) => one.completionId);
    const acknowledge = () => house.outbox.acknowledge("client", all, 1);
    expect(await acknowledge()).toEqual({ acknowledged: all, unknown: [] });
    expect((await acknowledge()).acknowledged).toEqual(all);
    expect(house.outbox.backlog("client")).toEqual({ count: 0, end: 3 });
    const again = open().connect({ clientId: "client" });
    await house.clock.settle();
    expect(again.wire).toEqual([]);
  });

  it("keeps no other from being pruned, but for those next to it", async () => {
    const first = open();
    for (let index = 0; index < 9; index++) {
      first.session(`${index}`);
      (await first.begin(`${index}`, { runId: `${index}` })).succeed(filler(`words ${index} `));
      await first.clock.settle();
    }
    const all = first.allCompletions().map(({ completionId }) => completionId);
    first.outbox.acknowledge("client", all, 1);
    await first.close();
    houses.length = 0;
    overwritePages(file, "words 4 words 4");
    const house = open();
    expect(house.completions.prune(10, 200)).toBe(9);
    const left = house.database.prepare("SELECT sequence FROM completions").all();
    expect(left).toContainEqual({ sequence: 5 });
    for (const sequence of [1, 2, 8]) expect(left).not.toContainEqual({ sequence });
    expect(house.completions.prune(10, 200)).toBe(0);
  });
});

describe("another row that is damaged", () => {
  it("of a run is a run that has ended, and does not run again", async () => {
    const first = open();
    first.session("s");
    (await first.begin("s", { runId: "a" })).succeed("done");
    await first.clock.settle();
    const { promptHash } = first.row("a");
    await first.close();
    houses.length = 0;
    expect(overwritePages(file, String(promptHash))).toBe(1);
    const house = open();
    expect(house.row("a")).toMatchObject({ runId: "a", state: "completed", sessionId: "s" });
    expect(house.accept("s", { runId: "a" })).toMatchObject({ isDuplicate: true });
    expect(house.completion("a")).toMatchObject({ text: "done" });
    house.outbox.adopt("somebody", "else");
  });

  it("of a session is told as such, and the others are listed", async () => {
    const first = open();
    for (let index = 0; index < 60; index++) first.session(`${index} ${"x".repeat(100)}`);
    await first.close();
    houses.length = 0;
    bySqlite(
      file,
      "UPDATE sessions SET createdAt = 9e18, cost = -1, messageCount = -1 WHERE position = 3",
    );
    const house = open();
    const rows = house.sessions.list(workspaceId, 100);
    expect(rows).toHaveLength(60);
    for (const row of rows) toSession(row, { isBusy: false, queued: 0 });
    expect(told).toContainEqual(expect.objectContaining({ table: "sessions" }));
  });
});
