// protocol.md section 9: the text of an acknowledged completion stands in its message alone.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../src/base/log.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { SharedTexts } from "../../src/storage/sharedTexts.js";
import { TextSharer } from "../../src/storage/textSharer.js";
import { workspaceId } from "../helpers/coordinatorHouse.js";
import { OutboxHouse, temporaryFolder } from "../helpers/outboxHouse.js";

const long = "Grüße 😀 ".repeat(500);

let folder: ReturnType<typeof temporaryFolder>;
let house: OutboxHouse;
let sharer: TextSharer;
beforeEach(() => {
  folder = temporaryFolder();
  house = new OutboxHouse(folder.path);
  sharer = new TextSharer(new SharedTexts(house.database), house.clock, silentLog);
  house.outbox.onAcknowledged((ids) => sharer.acknowledged(ids));
});
afterEach(() => {
  sharer.close();
  house.close();
  folder.remove();
});

/** A run has ended with a text, and its message says `said`. */
function end(runId: string, text: string, said: unknown = [{ type: "text", text }]): void {
  const messageId = `msg-${runId}`;
  new MessageStore(house.database).insert({
    id: messageId,
    sessionId: "s",
    run: undefined,
    role: "assistant",
    parts: typeof said === "string" ? said : JSON.stringify(said),
    model: undefined,
    provider: undefined,
    isSummary: false,
    createdAt: 0,
  });
  const position = house.runs.insert({
    workspaceId,
    sessionId: "s",
    runId,
    clientId: "client",
    serverId: house.serverId,
    kind: "prompt",
    promptHash: "",
    options: undefined,
    state: "completed",
    acceptedAt: 0,
  });
  const row = house.runs.at(position);
  if (row === undefined) throw new Error("the run is gone");
  const content = { text, messageId, status: "succeeded", cancelled: false } as const;
  const completedAt = "2026-01-01T00:00:00Z";
  house.database.write(() => {
    house.outbox.append(row, { ...content, foldedPrompts: 0, completedAt });
  });
}

const stored = (runId: string) =>
  String(
    house.database
      .prepare("SELECT body FROM completions WHERE body LIKE ?")
      .get(`%"runId":"${runId}"%`)?.body,
  );

describe("the text of a completion", () => {
  it("is taken out a moment after it was acknowledged, and told as before", async () => {
    end("a", long);
    const before = house.of("a");
    house.acknowledge("a");
    expect(stored("a")).toContain("Grüße");
    await house.clock.advance(2000);
    expect(stored("a").length).toBeLessThan(600);
    expect(house.of("a")).toEqual(before);
    expect(house.clock.pending).toBe(0);
  });

  it("stays in one that is not acknowledged, and in a short one", async () => {
    end("owed", long);
    end("short", "x".repeat(1000));
    house.acknowledge("short");
    sharer.acknowledged([house.of("owed")?.completionId ?? ""]);
    await house.clock.advance(5000);
    expect(stored("owed")).toContain(long);
    expect(stored("short")).toContain("xxx");
  });

  it.each([
    ["says something else", [{ type: "text", text: `${long}!` }]],
    ["is damaged", "[{"],
    ["is no list", "{}"],
    ["has parts that are none", [null, 1, "text"]],
  ])("stays where the message %s", async (_, said) => {
    end("a", long, said);
    house.acknowledge("a");
    await house.clock.advance(5000);
    expect(stored("a")).toContain(long);
  });

  it("is put together of all text parts of the message, and of nothing else", async () => {
    const half = long.slice(0, 2000);
    end("a", `${half}end`, [
      { type: "reasoning", text: "hm" },
      { type: "text", text: half },
      { type: "toolCall", toolCallId: "c", name: "bash", state: "done", input: {} },
      { type: "text", text: "end" },
      { type: "finish", reason: "stop" },
    ]);
    house.acknowledge("a");
    await house.clock.advance(5000);
    expect(stored("a")).not.toContain("Grüße");
    expect(house.of("a")?.text).toBe(`${half}end`);
  });

  it("that was cut is cut at the same place again", async () => {
    const whole = "x".repeat(1024 * 1024 + 5);
    end("a", whole);
    const before = house.of("a");
    house.acknowledge("a");
    await house.clock.advance(5000);
    expect(stored("a").length).toBeLessThan(600);
    expect(house.of("a")).toEqual(before);
    expect(before).toMatchObject({ textTruncated: true });
  });

  it("is found where its message was taken out of the session", async () => {
    end("a", long);
    house.acknowledge("a");
    await house.clock.advance(5000);
    house.database.prepare("UPDATE messages SET sessionId = 's~~~'").run();
    expect(house.of("a")?.text).toBe(long);
  });

  it.each(["DELETE FROM messages", "UPDATE messages SET parts = '[{'"])(
    "goes with its message (%s)",
    async (sql) => {
      end("a", long);
      const before = house.of("a");
      house.acknowledge("a");
      await house.clock.advance(5000);
      house.database.prepare(sql).run();
      expect(house.of("a")).toEqual({ ...before, text: "", textTruncated: true });
      expect(JSON.parse(stored("a"))).toMatchObject({ text: "", textTruncated: true });
    },
  );

  it("is taken out in steps that are small, also where one cannot be read", async () => {
    const large = "y".repeat(900_000);
    for (const runId of ["a", "b", "c", "d"]) end(runId, large);
    house.database.prepare("UPDATE completions SET body = '{' || body WHERE run = 1").run();
    const ids = house.database
      .prepare("SELECT completionId FROM completions ORDER BY sequence")
      .all()
      .map(({ completionId }) => String(completionId));
    house.outbox.acknowledge("client", ids, 0);
    const left = () =>
      house.database.prepare("SELECT count(*) AS n FROM completions WHERE body LIKE '%yyy%'").get();
    house.clock.fireNext();
    expect(left()).toEqual({ n: 3 });
    await house.clock.advance(1000);
    expect(left()).toEqual({ n: 1 });
  });

  it("is taken out later where the disk fails, and at the end of the server", async () => {
    end("a", long);
    house.acknowledge("a");
    house.breakDisk();
    await house.clock.advance(3000);
    house.breakDisk(false);
    expect(stored("a")).toContain("Grüße");
    await house.clock.advance(10_000);
    expect(stored("a")).not.toContain("Grüße");
    end("b", long);
    house.acknowledge("b");
    sharer.close();
    expect(stored("b")).not.toContain("Grüße");
    expect(house.clock.pending).toBe(0);
  });
});
