// What all of it is for: a repository with a failing test, a model that reads, edits, runs the tests
// and says what it did. The model is scripted; the server, the tools and the tests are real.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it, onTestFinished } from "vitest";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, type StartOptions } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const wrong = `/** The sum of all numbers. */
export function sum(numbers) {
  return numbers.reduce((total, number) => total - number, 0);
}
`;

const test = `import assert from "node:assert";
import test from "node:test";
import { sum } from "../src/sum.js";

test("adds all numbers up", () => {
  assert.strictEqual(sum([1, 2, 3]), 6);
});
`;

/** A small repository whose one test fails. */
function makeRepository(): string {
  const path = makeFolder();
  const files = {
    "package.json": JSON.stringify({ name: "sums", type: "module" }),
    "AGENTS.md": "Run the tests with `node --test`.\n",
    "src/sum.js": wrong,
    "test/sum.test.js": test,
  };
  for (const folder of ["src", "test"]) mkdirSync(join(path, folder));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

async function start(options: StartOptions & { readonly config?: object } = {}) {
  const { provider, server } = await startLoopbackServer(options);
  onTestFinished(() => provider.close());
  provider.enqueue(
    reply()
      .text("I look at it first.")
      .toolCall("bash", { command: "node --test" }, { id: "c1" })
      .toolCall("read", { path: "src/sum.js" }, { id: "c2" }),
    reply().toolCall(
      "edit",
      {
        path: "src/sum.js",
        edits: [{ oldText: "total - number", newText: "total + number" }],
      },
      { id: "c3" },
    ),
    reply().toolCall("bash", { command: "node --test" }, { id: "c4" }),
    reply().text("Fixed: `src/sum.js:3` subtracted. ", "`node --test` passes."),
  );
  return { provider, server };
}

interface Result {
  readonly output: string;
  readonly isError: boolean;
  readonly diff?: string | undefined;
}

it.each(["ndjson", "header"] as const)(
  "a failing test is found, fixed and seen to pass, over %s",
  async (framing) => {
    const { provider, server } = await start({ framing });
    const path = makeRepository();
    const session = await openSession(server, { path });
    const completion = await session.run("The test fails; fix it.", "run-1");
    expect(completion).toMatchObject({
      status: "succeeded",
      text: "Fixed: `src/sum.js:3` subtracted. `node --test` passes.",
      usage: { promptTokens: 40, completionTokens: 20 },
    });
    expect(readFileSync(join(path, "src/sum.js"), "utf8")).toBe(
      wrong.replace("total - number", "total + number"),
    );
    const messages = await session.messages();
    const roles = messages.map(({ role }) => role).join(" ");
    expect(roles).toBe("user assistant tool assistant tool assistant tool assistant");
    const results = new Map<string, Result>();
    for (const part of messages.flatMap(({ parts }) => parts)) {
      if (part.type === "toolResult") results.set(part.toolCallId, part);
    }
    expect(results.get("c1")).toMatchObject({ isError: true });
    expect(results.get("c1")?.output).toMatch(/fail 1\n/);
    expect(results.get("c2")?.output).toContain("total - number");
    expect(results.get("c3")?.diff).toContain(
      "+  return numbers.reduce((total, number) => total +",
    );
    expect(results.get("c4")).toMatchObject({ isError: false });
    expect(results.get("c4")?.output).toMatch(/pass 1\n/);
    // What the model was told along the way.
    const [first, , , last] = provider.turnRequests;
    expect(JSON.stringify(first?.body.messages[0])).toContain("Run the tests with `node --test`.");
    expect(last?.body.messages.map(({ role }) => role).join(" ")).toBe(
      "system user assistant tool tool assistant tool assistant tool",
    );
  },
);

it("everything that was told adds up to what is stored, and comes before the completion", async () => {
  const { server } = await start();
  const session = await openSession(server, { path: makeRepository() });
  await session.run("Fix it.", "run-1");
  expect(server.frames.at(-1)?.method).toBe("runComplete");
  const stored = await session.messages();
  for (const message of stored) {
    const [latest] = server
      .events("messageUpdated", {})
      .filter((event) => event.message.id === message.id)
      .slice(-1);
    if (message.role !== "user") expect(latest?.message).toEqual(message);
  }
  const states = server
    .events("messageUpdated")
    .flatMap(({ message }) => message.parts)
    .flatMap((part) => (part.type === "toolCall" && part.toolCallId === "c4" ? [part.state] : []));
  expect([...new Set(states)]).toEqual(["streaming", "pending", "running", "completed"]);
});

it("in mode ask, it does what a rule or a person allows, and nothing else", async () => {
  const { server } = await start({ config: { permissions: { allow: ["bash:node --test"] } } });
  const path = makeRepository();
  const session = await openSession(server, { path, permissionMode: "ask" });
  const questions: PermissionQuestion[] = [];
  server.onPermission = (question) => {
    questions.push(question);
    return { result: { decision: "deny", message: "Not that file." } };
  };
  expect((await session.run("Fix it.", "run-1")).status).toBe("succeeded");
  expect(questions).toMatchObject([{ tool: "edit", action: "write", toolCallId: "c3" }]);
  expect(questions[0]?.path).toBe(join(path, "src/sum.js"));
  expect(readFileSync(join(path, "src/sum.js"), "utf8")).toBe(wrong);
  const results = (await session.messages()).flatMap(({ parts }) => parts);
  expect(results).toContainEqual(
    expect.objectContaining({
      type: "toolResult",
      toolCallId: "c3",
      output: expect.stringContaining("Not that file."),
      isError: true,
    }),
  );
});
