import { expect, it } from "vitest";
import { FinalOutput } from "../../src/agent/finalOutput.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { FakeModel, says } from "../helpers/fakeModel.js";

const text = (id: string, role: "user" | "assistant", said: string): HistoryMessage => ({
  id,
  role,
  parts: [
    { type: "text", text: said },
    ...(role === "user" ? [] : [{ type: "finish" as const, reason: "endTurn" as const }]),
  ],
});

const wrong: HistoryMessage[] = [
  {
    id: "m3",
    role: "assistant",
    parts: [
      { type: "toolCall", toolCallId: "c", name: "finalOutput", input: {}, state: "failed" },
      { type: "finish", reason: "toolUse" },
    ],
  },
  {
    id: "m4",
    role: "tool",
    parts: [
      {
        type: "toolResult",
        toolCallId: "c",
        name: "finalOutput",
        output: "It does not fit.",
        isError: true,
      },
    ],
  },
];

const used = { steps: 2, costUsd: 0, tokens: 0, ms: 0, denials: 0 };

function begun(messages: readonly HistoryMessage[]) {
  const ids = new Set(messages.map(({ id }) => id));
  return { messages, ids, mayStillRun: false, progress: used };
}

const wish = () =>
  new FinalOutput({ jsonSchema: { type: "object" }, misfits: async () => ["it is empty"] });

it("counts on what a turn has missed under another server", async () => {
  const before = [text("m1", "user", "Count."), text("m2", "assistant", "Many."), ...wrong];
  const output = wish();
  const model = new FakeModel(says("Some."), says("A few."));
  const outcome = await new TestTurn().run(model, {
    begun: begun(before),
    output,
    tools: [output.tool],
  });
  expect(outcome).toMatchObject({ status: "failed", errorName: "OutputInvalid" });
  expect(model.calls).toHaveLength(1);
});

it("reminds the model again of what the lost server had reminded it of", async () => {
  const output = wish();
  const model = new FakeModel(says("Some."), says("A few."), says("None."));
  await new TestTurn().run(model, {
    begun: begun([text("m1", "user", "Count."), text("m2", "assistant", "Many.")]),
    output,
    tools: [output.tool],
  });
  expect(model.calls).toHaveLength(2);
  const last = model.calls[0]?.prompt.at(-1);
  expect(last?.role).toBe("user");
  expect(JSON.stringify(last)).toContain("You have not given your result.");
});
