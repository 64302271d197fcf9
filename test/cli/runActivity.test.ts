import { describe, expect, it } from "vitest";
import { RunActivity } from "../../src/cli/runActivity.js";
import { message } from "../../src/protocol/objects/examples.js";
import type { Part } from "../../src/protocol/objects/message.js";
import type { LossyEvent } from "../../src/protocol/registry.js";

function update(...parts: Part[]): LossyEvent {
  const params = { workspaceId: "w", sessionId: "s", message: { ...message, parts } };
  return { method: "messageUpdated", params };
}

function call(state: "streaming" | "pending" | "running" | "completed", input: unknown): Part {
  return { type: "toolCall", toolCallId: "c", name: "bash", input, state };
}

describe("the activity of a run", () => {
  it("tells a tool call once, when its input is there", () => {
    const activity = new RunActivity({ isColored: false, hasResults: false });
    const input = { command: "npm test" };
    expect(activity.lines(update(call("streaming", '{"comm')))).toBe("");
    expect(activity.lines(update(call("pending", input)))).toBe("bash npm test\n");
    expect(activity.lines(update(call("running", input)))).toBe("");
    expect(activity.lines(update(call("completed", input)))).toBe("");
  });

  it("tells a failed tool with the beginning of its output", () => {
    const result: Part = {
      type: "toolResult",
      toolCallId: "c",
      name: "bash",
      output: "not\nfound",
      isError: true,
    };
    expect(new RunActivity({ isColored: false, hasResults: false }).lines(update(result))).toBe(
      "bash failed: not found\n",
    );
    expect(
      new RunActivity({ isColored: false, hasResults: false }).lines(
        update({ ...result, isError: false }),
      ),
    ).toBe("");
  });

  it("takes out what could steer a terminal, and cuts what is long", () => {
    const activity = new RunActivity({ isColored: false, hasResults: false });
    const line = activity.lines(
      update(call("running", { command: `\u001b[2J${"x".repeat(500)}` })),
    );
    expect(line).toMatch(/^bash \[2Jx+…\n$/);
    expect(line).toHaveLength("bash ".length + 120 + 1);
  });

  it("shows all of an input with many fields", () => {
    const lines = new RunActivity({ isColored: false, hasResults: false }).lines(
      update(call("running", { path: "a", text: "b" })),
    );
    expect(lines).toBe('bash {"path":"a","text":"b"}\n');
  });

  it.each([
    [
      { kind: "retrying", attempt: 3, waitMs: 1200, reason: "it answered 429\u001b[2J" },
      "try 3 in 2 s: it answered 429 [2J\n",
    ],
    [{ kind: "summarizing" }, "summarizing the session\n"],
    [{ kind: "waitingForSlot" }, "waiting for other runs to end\n"],
    [{ kind: "waitingForPermission" }, ""],
    [{ kind: "dreaming", reason: "of sheep" }, "dreaming: of sheep\n"],
  ])("tells what the run is busy with: %o", (activity, line) => {
    const params = { workspaceId: "w", sessionId: "s", ...activity };
    expect(
      new RunActivity({ isColored: false, hasResults: false }).lines({
        method: "runActivity",
        params,
      }),
    ).toBe(line);
  });

  it("is dimmed on a terminal", () => {
    const lines = new RunActivity({ isColored: true, hasResults: false }).lines(
      update(call("running", { command: "ls" })),
    );
    expect(lines).toBe("\u001b[2mbash ls\u001b[22m\n");
  });
});
