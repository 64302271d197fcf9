// The mark of a tool's call in a run that goes on after the loss of its server: without it on disk, the
// next server would run the tool again.
import { expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { calls, FakeModel } from "../helpers/fakeModel.js";

it("lets a tool do nothing if its turn is given up while the mark waits for the disk", async () => {
  const turn = new TestTurn();
  const waits = new Deferred<void>();
  const disk = new Deferred<void>();
  let hasEffect = false;
  const tool = textTool("write", async (value, { permissions, signal, toolCallId }) => {
    const need = { tool: "write", action: "write", description: "Write: a", input: {} } as const;
    await permissions.check({ ...need, toolCallId, subject: { kind: "path", value } }, signal);
    hasEffect = true;
    return { output: "done" };
  });
  const isRunning = () =>
    turn.sink.messages.some(({ parts }) =>
      parts.some((part) => part.type === "toolCall" && part.state === "running"),
    );
  // As of a sink that is given up: what waits is not waited for any more.
  Object.assign(turn.sink, {
    stored: async () => {
      if (!isRunning()) return;
      waits.resolve();
      await disk.promise;
    },
  });
  const model = new FakeModel(calls("c1", "write", { text: "a" }));
  const ended = turn.run(model, { tools: [tool], goesOn: () => true });
  await waits.promise;
  turn.cancel.abort(new Error("the server ends"));
  disk.resolve();
  expect(await ended).toMatchObject({ status: "cancelled" });
  expect(hasEffect).toBe(false);
});
