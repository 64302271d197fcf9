import { expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { fakeInfo, prompt, TestTurn, textTool } from "../helpers/agentTurn.js";

it("the offline model goes on with its script behind a summary of what it did", async () => {
  const turn = new TestTurn();
  const info = { ...fakeInfo, id: "offline", provider: "offline", contextWindow: 3000 };
  const provider: Provider = { id: "offline", type: "offline", headers: {}, models: [info] };
  const model = await createLanguageModel(provider, info, systemClock);
  const done: string[] = [];
  const read = textTool("read", (said) => {
    done.push(said);
    return { output: "r ".repeat(4000) };
  });
  const script = ["1", "2", "3"].map((n) => `@tool read {"text":"${n}"}`);
  const given = {
    tools: [read],
    autoSummarize: true,
    prompt: prompt([...script, "@say end"].join("\n")),
  };
  expect(await turn.run(model, given, info)).toMatchObject({ status: "succeeded", text: "end" });
  expect(done).toEqual(["1", "2", "3"]);
  expect(turn.sink.summaryId).toBeDefined();
});
