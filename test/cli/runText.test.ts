import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RunText } from "../../src/cli/runText.js";
import { message } from "../../src/protocol/objects/examples.js";
import type { Message, Part } from "../../src/protocol/objects/message.js";
import type { LossyEvent } from "../../src/protocol/registry.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

const place = { workspaceId: "w", sessionId: "s", messageId: "m" };

function deltaOf(offset: number, delta: string, partIndex = 0): LossyEvent {
  return { method: "messageDelta", params: { ...place, partIndex, kind: "text", offset, delta } };
}

function updateOf(parts: Part[], changes: Partial<Message> = {}): LossyEvent {
  const updated = { ...message, id: "m", parts, ...changes };
  return { method: "messageUpdated", params: { ...place, message: updated } };
}

/** What is written for these events, where the stored message has these parts. */
async function textOf(events: LossyEvent[], stored: Part[] = []): Promise<string> {
  let written = "";
  const text = new RunText({
    write: async (chunk) => {
      written += chunk;
    },
    getMessage: async () => ({ ...message, id: "m", parts: stored }),
  });
  for (const event of events) await text.take(event);
  await text.finish(stored.length === 0 ? undefined : "m");
  return written;
}

const says = (text: string): Part => ({ type: "text", text });

describe("the text of a run", () => {
  it("is its deltas and one newline", async () => {
    expect(await textOf([deltaOf(0, "Hello, "), deltaOf(7, "world")])).toBe("Hello, world\n");
  });

  it("ends with one newline however many the model sent", async () => {
    expect(await textOf([deltaOf(0, "a\n\n"), deltaOf(3, "b\n"), deltaOf(5, "\n")])).toBe(
      "a\n\nb\n",
    );
  });

  it("is nothing at all where nothing was said", async () => {
    expect(await textOf([])).toBe("");
    expect(await textOf([deltaOf(0, "\n")])).toBe("");
  });

  it("has parts on lines of their own", async () => {
    expect(await textOf([deltaOf(0, "I look."), deltaOf(0, "42.", 2)])).toBe("I look.\n42.\n");
  });

  it("has nothing of the user's, of tools or of what the model thought", async () => {
    const thought: LossyEvent = {
      method: "messageDelta",
      params: { ...place, partIndex: 0, kind: "reasoning", offset: 0, delta: "hm" },
    };
    expect(await textOf([thought, updateOf([says("mine")], { role: "user" })])).toBe("");
  });

  it("is complete whatever was lost, and says nothing twice", async () => {
    const chunk = fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" });
    const event = fc.constantFrom("arrives", "is lost", "comes twice");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(chunk, event), { minLength: 1 }), async (chunks) => {
        const whole = chunks.map(([text]) => text).join("");
        let offset = 0;
        const events = chunks.flatMap(([text, fate]) => {
          const delta = deltaOf(offset, text);
          offset += text.length;
          return fate === "arrives" ? [delta] : fate === "is lost" ? [] : [delta, delta];
        });
        const expected = whole.replace(/^\n+/, "").replace(/\n+$/, "");
        expect(await textOf(events, [says(whole)])).toBe(expected === "" ? "" : `${expected}\n`);
      }),
    );
  });
});

it("is written in time that its length allows, however many line breaks it has", async () => {
  const long = `${"\n".repeat(200_000)}x`;
  const write = () => textOf([deltaOf(0, `a${long}`)]);
  expect(await write()).toBe(`a${long}\n`);
  expect(await cpuTimeOf(write)).toBeLessThan(onThisMachine(2_000));
});
