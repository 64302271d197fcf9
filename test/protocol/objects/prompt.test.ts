import { expect, it } from "vitest";
import { mostPromptBytes } from "../../../src/protocol/objects/prompt.js";
import { methods } from "../../../src/protocol/registry.js";

const entry = { workspaceId: "w", sessionId: "s", queueId: "q" };
const takes = (prompt: string) =>
  methods.sendMessage.params().safeParse({ ...entry, prompt }).success &&
  methods.editQueued.params().safeParse({ ...entry, prompt }).success;

it("has as many bytes as its bound says, however many characters they are", () => {
  for (const character of ["a", "é", "汉", "😀"]) {
    const bytes = Buffer.byteLength(character);
    const most = Math.floor(mostPromptBytes / bytes);
    expect(takes(character.repeat(most))).toBe(true);
    expect(takes(character.repeat(most + 1))).toBe(false);
  }
});
