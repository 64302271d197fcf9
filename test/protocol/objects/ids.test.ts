import { describe, expect, it } from "vitest";
import { methods } from "../../../src/protocol/registry.js";

const run = { workspaceId: "w", sessionId: "s" };
/** Each place where a client gives an id of its own. */
const places: [string, (id: string) => boolean][] = [
  ["runId of sendMessage", (id) => accepts("sendMessage", { ...run, prompt: "p", runId: id })],
  ["runId of summarizeSession", (id) => accepts("summarizeSession", { ...run, runId: id })],
  ["sessionId of createSession", (id) => accepts("createSession", { ...run, sessionId: id })],
  ["clientId of initialize", (id) => accepts("initialize", { clientId: id })],
];

function accepts(method: keyof typeof methods, params: object): boolean {
  return methods[method].params().safeParse(params).success;
}

describe.each(places)("the client's own %s", (_, isTaken) => {
  it("may be any text that comes back as it was sent", () => {
    for (const id of ["r-1", "é", "😀", " ", "a\nb", "x".repeat(200)])
      expect(isTaken(id)).toBe(true);
  });

  it("is refused where it would not: empty, too long, with a NUL, with half a character", () => {
    for (const id of ["", "x".repeat(201), "a\0b", "\ud83d", "a\ude00b"]) {
      expect(isTaken(id)).toBe(false);
    }
  });
});
