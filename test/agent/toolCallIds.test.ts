import { expect, it } from "vitest";
import { ToolCallIds } from "../../src/agent/toolCallIds.js";
import type { Part } from "../../src/protocol/objects/message.js";

const call = (toolCallId: string): Part => ({
  type: "toolCall",
  toolCallId,
  name: "read",
  input: {},
  state: "completed",
});

it("are those of the history, of the turn that is gone on with, and of new calls", () => {
  const text: Part = { type: "text", text: "c" };
  const ids = new ToolCallIds([{ parts: [call("a"), text] }], [{ parts: [text, call("b")] }]);
  expect(["a", "b", "c"].map((id) => ids.has(id))).toEqual([true, true, false]);
  ids.add("c");
  expect(ids.has("c")).toBe(true);
  ids.delete("c");
  expect(["a", "b", "c"].map((id) => ids.has(id))).toEqual([true, true, false]);
  const added = new ToolCallIds([{ parts: [call("a")] }]);
  added.add("d");
  expect(["a", "d"].map((id) => added.has(id))).toEqual([true, true]);
});

it("are collected when the first call comes: most turns of a long session have none", () => {
  let reads = 0;
  const message = {
    get parts() {
      reads++;
      return [call("a")];
    },
  };
  const ids = new ToolCallIds([message]);
  expect(reads).toBe(0);
  for (const id of ["a", "b", "a"]) ids.has(id);
  expect(reads).toBe(1);
});
