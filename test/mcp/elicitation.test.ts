// What servers ask of the user while their tools are called.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { answerAll, elicit } from "../../src/mcp/elicitation.js";
import type { InputAnswer, InputQuestion } from "../../src/protocol/registry.js";
import { ManualClock } from "../helpers/manualClock.js";
import { until } from "../tools/workbench.js";
import { eras, openWorkshop, serverScript, stdio } from "./workshop.js";

const headers = { Authorization: "Bearer open-sesame" };

async function overHttp(era: string) {
  const child = spawn(process.execPath, [serverScript, "--http", era], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await until(() => lines.length > 0);
  return { url: `http://127.0.0.1:${lines[0]}/mcp`, headers };
}

const places = eras.flatMap((era) => [
  { name: `${era} over stdio`, server: async () => stdio([era]) },
  { name: `${era} over HTTP`, server: () => overHttp(era) },
]);

describe.each(places)("a server $name", ({ server, name }) => {
  const open = async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: await server() });
    await workshop.names();
    return workshop;
  };

  test("gets what the user answers, and what it keeps for itself", async () => {
    const workshop = await open();
    const asked: InputQuestion[] = [];
    workshop.requestInput = async (question) => {
      asked.push(question);
      return { action: "accept", content: { edition: "second" } };
    };
    const { output } = await workshop.call("mcp__test__choose");
    expect(JSON.parse(output)).toEqual([
      { action: "accept", content: { edition: "second" } },
      "opaque",
    ]);
    expect(asked).toMatchObject([
      {
        message: 'The tool server "test" asks: Which edition?',
        schema: { type: "object", properties: { edition: { type: "string" } } },
      },
    ]);
  });

  test.each(["decline", "cancel"] as const)("is told of %s", async (action) => {
    const workshop = await open();
    workshop.requestInput = async () => ({ action, content: { edition: "not told" } });
    const { output } = await workshop.call("mcp__test__choose");
    expect(JSON.parse(output)[0]).toEqual({ action });
  });

  test("is told of a refusal where nobody can answer", async () => {
    const workshop = await open();
    const { output } = await workshop.call("mcp__test__choose");
    expect(JSON.parse(output)[0]).toEqual({ action: "decline" });
  });

  test("a cancel ends the question with the call", async () => {
    const workshop = await open();
    const asked = new Deferred<AbortSignal>();
    workshop.requestInput = (_, signal) => {
      asked.resolve(signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    };
    const cancel = new AbortController();
    const call = workshop.call("mcp__test__choose", {}, cancel.signal);
    const signal = await asked.promise;
    cancel.abort(new Error("cancelled (user)"));
    await expect(call).rejects.toThrow("cancelled (user)");
    await until(() => signal.aborted);
    expect(name).toBeDefined();
  });
});

test("a question of the old era is nobody's where two sessions call", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ test: stdio(["--old"]) });
  const tools = await workshop.tools();
  const [wait, choose] = ["wait", "choose"].map((name) =>
    tools.find((tool) => tool.name === `mcp__test__${name}`),
  );
  if (wait === undefined || choose === undefined) throw new Error("not offered");
  workshop.requestInput = async () => ({ action: "accept", content: { edition: "leaked" } });
  const cancel = new AbortController();
  const waiting = workshop.execute(wait, {}, cancel.signal, "ses_other");
  const lines = () => workshop.logged("a tool server writes").map(({ fields }) => fields.line);
  await until(() => lines().includes("waiting"));
  const { output } = await workshop.execute(choose);
  expect(JSON.parse(output)[0]).toEqual({ action: "decline" });
  cancel.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

const { signal } = new AbortController();
const accepting = (asked: InputQuestion[] = []) => ({
  sessionId: "ses_1",
  ask: async (question: InputQuestion): Promise<InputAnswer> => {
    asked.push(question);
    return { action: "accept" };
  },
});

test.each([
  ["no params", undefined],
  ["no message", { requestedSchema: { type: "object" } }],
  ["a link instead of a form", { mode: "url", message: "Go", url: "https://example.test" }],
  ["no schema", { message: "What?" }],
  ["a schema that is a list", { message: "What?", requestedSchema: [] }],
  ["a schema without end", { message: "What?", requestedSchema: { a: "x".repeat(40_000) } }],
  ["a schema that is nested deep", { message: "What?", requestedSchema: nested(40) }],
])("%s is declined without asking", async (_, params) => {
  const asked: InputQuestion[] = [];
  expect(await elicit("test", params, accepting(asked), signal)).toEqual({ action: "decline" });
  expect(asked).toEqual([]);
});

test("a message is cut, and an answer without content is an empty one", async () => {
  const asked: InputQuestion[] = [];
  const params = { message: "x".repeat(50_000), requestedSchema: { type: "object" } };
  expect(await elicit("test", params, accepting(asked), signal)).toEqual({
    action: "accept",
    content: {},
  });
  expect(asked[0]?.message.length).toBeLessThan(5_000);
});

test.each(["sampling/createMessage", "roots/list", 7])("%s is not offered", async (method) => {
  const asked = answerAll("test", { one: { method } }, accepting(), signal);
  await expect(asked).rejects.toThrow(`It asks for ${method}, which is not offered here.`);
});

test("the time in which a person thinks does not count for the call", async () => {
  const clock = new ManualClock();
  const workshop = await openWorkshop(clock);
  workshop.configure({ test: stdio(["--new"]) });
  await until(() => workshop.logged("a tool server is ready").length > 0);
  const asked = new Deferred<void>();
  const answer = new Deferred<InputAnswer>();
  workshop.requestInput = () => {
    asked.resolve();
    return answer.promise;
  };
  const call = workshop.call("mcp__test__choose");
  await asked.promise;
  clock.advance(3_600_000);
  answer.resolve({ action: "accept", content: { edition: "late" } });
  expect((await call).output).toContain("late");
});

function nested(depth: number): object {
  return depth === 0 ? {} : { properties: nested(depth - 1) };
}
