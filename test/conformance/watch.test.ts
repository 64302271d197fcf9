// What is looked at in every frame, with frames that no server has to send.
import { describe, expect, it } from "vitest";
import { Watch } from "../../src/conformance/watch.js";

const place = { workspaceId: "w", sessionId: "s", runId: "r" };
const message = { id: "m", sessionId: "s", role: "assistant", createdAt: "2026-01-01T00:00:00Z" };

function delta(offset: number, partIndex = 0) {
  const params = { ...place, messageId: "m", partIndex, kind: "text", delta: "four", offset };
  return { jsonrpc: "2.0", method: "messageDelta", params };
}

function updated(...parts: object[]) {
  return {
    jsonrpc: "2.0",
    method: "messageUpdated",
    params: { ...place, message: { ...message, parts } },
  };
}

/** The faults in the offsets of these messages; their shapes do not matter here. */
function faultsOf(...messages: object[]): string[] {
  const ids: string[] = [];
  const watch = new Watch(
    (id) => ids.push(id),
    () => {},
  );
  for (const each of messages) watch.onMessage(each, () => undefined);
  return ids.filter((id) => id === "TW-EVENTS-002");
}

describe("the offsets of deltas", () => {
  it("go on where the last delta of the part ended", () => {
    expect(faultsOf(delta(0), delta(4), delta(0, 1))).toEqual([]);
    expect(faultsOf(delta(0), delta(5))).toEqual(["TW-EVENTS-002"]);
  });

  it("begin anew in a part that an update has removed", () => {
    expect(faultsOf(delta(0), updated(), delta(0))).toEqual([]);
    expect(
      faultsOf(delta(0), delta(0, 1), updated({ type: "text", text: "four" }), delta(0, 1)),
    ).toEqual([]);
  });

  it("do not begin anew in a part that an update has kept", () => {
    const kept = updated({ type: "text", text: "four" });
    expect(faultsOf(delta(0), kept, delta(0))).toEqual(["TW-EVENTS-002"]);
    expect(faultsOf(delta(0), kept, delta(4))).toEqual([]);
  });
});

describe("what was looked at", () => {
  it("is told by its kind, and a kind that never came is not told", () => {
    const seen = new Set<string>();
    const watch = new Watch(
      () => {},
      (what) => seen.add(what),
    );
    watch.onMessage({ jsonrpc: "2.0", id: 1, result: {} }, () => "ping");
    expect([...seen].sort()).toEqual(["frames", "results"]);
    watch.onMessage(delta(0), () => undefined);
    expect([...seen].sort()).toEqual(["deltas", "events", "frames", "results"]);
  });
});
