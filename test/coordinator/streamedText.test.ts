import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { storedParts } from "../../src/coordinator/storedParts.js";
import type { MessageWriter, TurnSink } from "../../src/engine/engine.js";
import type { Part } from "../../src/protocol/objects/message.js";
import { Database } from "../../src/storage/database.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { schema } from "../../src/storage/migrations.js";
import { StreamedText, withPieces } from "../../src/storage/streamedText.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
let sink: TurnSink;

beforeEach(async () => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  house.session("s");
  sink = (await house.begin("s", { runId: "a" })).request.sink;
});
afterEach(async () => {
  await house.close();
  folder.remove();
});

const batch = 250;
const file = () => join(folder.path, "turnwire.db");

/** The parts of a message as another server reads them. */
function seenByOthers(id: string): Part[] {
  const database = Database.open(file());
  try {
    const stored = storedParts(new MessageStore(database).find("s", id)?.parts);
    if ("damage" in stored) throw new Error(stored.damage);
    return stored.parts;
  } finally {
    database.close();
  }
}

const pieces = () =>
  Number(house.database.prepare("SELECT count(*) AS n FROM streamedText").get()?.n);

const newParts: readonly Part[] = [
  { type: "text", text: "" },
  { type: "reasoning", text: "hm" },
  { type: "toolCall", toolCallId: "t", name: "read", input: "", state: "streaming" },
  { type: "toolResult", toolCallId: "t", name: "read", output: "", isError: false },
];

describe("text that streams", () => {
  it("is stored 250 ms later as it was said, however it came, and once it is whole there is one text", async () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "é", "😀", "\ud83d", '"', "\n"),
      minLength: 1,
      maxLength: 5,
    });
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ append: text, to: fc.nat(5) }) },
      { weight: 1, arbitrary: fc.record({ part: fc.nat(newParts.length - 1) }) },
      { weight: 1, arbitrary: fc.record({ again: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.constant({ rest: true as const }) },
      { weight: 1, arbitrary: fc.constant({ refused: true as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        const reply = sink.createMessage({ role: "assistant" });
        reply.addPart({ type: "text", text: "" });
        for (const one of steps) await take(one, reply);
        // What the disk has refused comes with the next text.
        reply.append(0, ".");
        await house.clock.advance(batch);
        expect(seenByOthers(reply.id)).toEqual(JSON.parse(JSON.stringify(reply.parts)));
        reply.finish("endTurn");
        await house.clock.advance(batch);
        expect(seenByOthers(reply.id)).toEqual(JSON.parse(JSON.stringify(reply.parts)));
        expect(pieces()).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  type Step = {
    readonly append?: string;
    readonly to?: number;
    readonly part?: number;
    readonly again?: number;
    readonly rest?: true;
    readonly refused?: true;
  };

  async function take(step: Step, reply: MessageWriter): Promise<void> {
    const at = (index: number) => index % reply.parts.length;
    const part = newParts[step.part ?? -1];
    if (step.append !== undefined) reply.append(at(step.to ?? 0), step.append);
    else if (part !== undefined) reply.addPart(part);
    else if (step.again !== undefined) {
      const again = reply.parts[at(step.again)];
      if (again?.type === "text")
        reply.setPart(at(step.again), { ...again, text: `${again.text}!` });
    } else {
      // A commit that the disk refuses behind the write itself.
      const refused =
        step.refused &&
        vi.spyOn(house.database, "afterCommit").mockImplementationOnce(() => {
          throw Object.assign(new Error("disk I/O error"), {
            code: "ERR_SQLITE_ERROR",
            errcode: 10,
          });
        });
      await house.clock.advance(batch);
      refused?.mockRestore();
    }
  }

  it("writes in proportion to its length, and not to the square of it", async () => {
    const replace = vi.spyOn(house.messages, "update");
    const append = vi.spyOn(house.messages, "append");
    const writtenFor = async (batches: number) => {
      replace.mockClear();
      append.mockClear();
      const reply = sink.createMessage({ role: "assistant" });
      const part = reply.addPart({ type: "text", text: "" });
      for (let n = 0; n < batches; n++) {
        reply.append(part, "x".repeat(100));
        await house.clock.advance(batch);
      }
      const whole = replace.mock.calls.reduce((sum, [, parts]) => sum + parts.length, 0);
      const added = append.mock.calls.reduce((sum, [, all]) => sum + JSON.stringify(all).length, 0);
      return whole + added;
    };
    const short = await writtenFor(20);
    const long = await writtenFor(200);
    expect(long / short).toBeLessThan(11);
  });

  it("goes on behind what was copied of it meanwhile", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "" });
    const say = async (delta: string) => {
      reply.append(part, delta);
      await house.clock.advance(batch);
    };
    await say("one ");
    await say("two ");
    new StreamedText(house.database).fold("s", 0, Number.MAX_SAFE_INTEGER);
    expect(pieces()).toBe(0);
    expect(seenByOthers(reply.id)).toEqual([{ type: "text", text: "one two " }]);
    await say("three");
    expect(pieces()).toBe(1);
    expect(seenByOthers(reply.id)).toEqual([{ type: "text", text: "one two three" }]);
  });

  it("goes with its message", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "" });
    for (const delta of ["one", "two"]) {
      reply.append(part, delta);
      await house.clock.advance(batch);
    }
    expect(pieces()).toBe(1);
    house.database.prepare("DELETE FROM messages WHERE id = ?").run(reply.id);
    expect(pieces()).toBe(0);
  });

  it("is superseded by a program that does not know of it and stores the whole message", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "" });
    for (const delta of ["one ", "two "]) {
      reply.append(part, delta);
      await house.clock.advance(batch);
    }
    const parts = JSON.stringify([{ type: "text", text: "by another" }]);
    house.database.prepare("UPDATE messages SET parts = ? WHERE id = ?").run(parts, reply.id);
    expect(seenByOthers(reply.id)).toEqual([{ type: "text", text: "by another" }]);
  });
});

it("a file of an older schema takes whole messages", () => {
  const older = temporaryFolder();
  const steps = schema.steps.slice(0, 21);
  const database = Database.open(join(older.path, "turnwire.db"), { schema: { ...schema, steps } });
  const store = new MessageStore(database);
  expect(store.append("m", [{ partIndex: 0, offset: 0, text: "x" }], 1)).toBe(false);
  database.close();
  older.remove();
});

describe("pieces of a part", () => {
  const parts = JSON.stringify([{ type: "text", text: "ab" }]);
  const piece = (offset: number, text: string) => ({ partIndex: 0, offset, text });
  const textOf = (json: string) => JSON.parse(json)[0].text;

  it("that were written twice count once", () => {
    expect(textOf(withPieces(parts, [piece(2, "c"), piece(2, "cd"), piece(4, "e")]))).toBe("abcde");
  });

  it("behind a gap are left out, and so is all after them", () => {
    expect(textOf(withPieces(parts, [piece(2, "c"), piece(5, "x"), piece(3, "y")]))).toBe("abc");
  });

  it("of a part that is not there, or of what is no message, change nothing", () => {
    expect(withPieces(parts, [{ partIndex: 7, offset: 0, text: "x" }])).toBe(parts);
    expect(withPieces("no JSON", [piece(0, "x")])).toBe("no JSON");
  });
});
