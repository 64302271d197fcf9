import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  assertEnded,
  assertNothingPending,
  assertSucceeded,
  chunks,
  fail,
  ManualClock,
  output,
  say,
  script,
  startTestServer,
  type TestServerOptions,
  think,
  tool,
  toolCallsOf,
  wait,
} from "../../src/testing/index.js";

async function started(options: TestServerOptions = {}) {
  const server = await startTestServer(options);
  onTestFinished(() => server.close());
  return server;
}

describe("a test's server", () => {
  it("plays a script in a workspace of its own, and leaves nothing behind", async () => {
    const server = await started({ files: { "src/a.txt": "needle\n" } });
    const sessionId = await server.session("Look");
    const steps = [think("Where?"), tool("read", { path: "src/a.txt" }), say("There.\nDone.")];
    const completion = await server.run(script(...steps), sessionId);
    assertSucceeded(completion, "There.\nDone.");
    await assertNothingPending(server);
    expect(await toolCallsOf(server, sessionId)).toEqual([
      {
        name: "read",
        input: { path: "src/a.txt" },
        state: "completed",
        output: expect.stringContaining("needle"),
      },
    ]);
    const { workspacePath } = server;
    await server.close();
    await server.close();
    expect(existsSync(dirname(workspacePath))).toBe(false);
    expect(() => server.client).toThrow("closed");
  });

  it("gives a run its options", async () => {
    const server = await started();
    const properties = { lines: { type: "integer" } };
    const outputSchema = { type: "object", properties, required: ["lines"] };
    const completion = await server.run(output({ lines: 42 }), undefined, { outputSchema });
    assertEnded(completion, { status: "succeeded", output: { lines: 42 } });
  });

  it("lets tools write, unless another mode is named", async () => {
    const write = script(tool("write", { path: "b.txt", content: "new" }), say("Done."));
    const free = await started();
    assertSucceeded(await free.run(write));
    expect(readFileSync(join(free.workspacePath, "b.txt"), "utf8")).toBe("new");
    const strict = await started({ permissionMode: "deny" });
    assertEnded(await strict.run(write), { status: "succeeded", denials: 1 });
    expect(existsSync(join(strict.workspacePath, "b.txt"))).toBe(false);
  });

  it("tells what was not taken again after a restart", async () => {
    const server = await started();
    const { workspaceId } = server;
    const sessionId = await server.session();
    const prompt = script(say("I begin."), wait(60_000));
    await server.client.api.sendMessage({ workspaceId, sessionId, prompt, runId: "r" });
    await server.restart();
    const told = await new Promise((resolve) => server.client.onCompletion(resolve));
    expect(told).toMatchObject({ runId: "r", status: "interrupted", cause: "crash" });
  });

  it("gives the client a clock that the test moves", async () => {
    const clock = new ManualClock();
    const server = await started({ client: { clock } });
    expect(clock.pending).toBe(0);
    expect(await server.client.api.ping()).toEqual({});
  });

  it("refuses files outside the workspace, and leaves nothing behind", async () => {
    for (const path of ["../a.txt", "/a.txt", "b/../../a.txt"]) {
      await expect(startTestServer({ files: { [path]: "" } })).rejects.toThrow("outside");
    }
  });
});

describe("the assertions", () => {
  it("say what is otherwise", async () => {
    const server = await started();
    const completion = await server.run(fail(401, "no\nkey"));
    expect(() => assertSucceeded(completion)).toThrow("The run ended otherwise (status)");
    expect(() => assertEnded(completion, { status: "failed", errorName: "Nothing" })).toThrow(
      "(errorName)",
    );
    assertEnded(completion, { status: "failed" });
    const { workspaceId } = server;
    const sessionId = await server.session();
    const ended = new Promise((resolve) => server.client.on("runComplete", resolve));
    const prompt = say("Taken by nobody.");
    await server.client.api.sendMessage({ workspaceId, sessionId, prompt, runId: "r" });
    await ended;
    await expect(assertNothingPending(server)).rejects.toThrow("Not acknowledged: cmp_");
  });
});

describe("the script", () => {
  it("is the offline model's, a step a line", () => {
    expect(script(say("a\nb"), chunks(3), chunks(3, 5), wait(0), tool("ls"))).toBe(
      "@say a\n@say b\n@chunks 3 16\n@chunks 3 5\n@wait 0\n@tool ls {}",
    );
    expect(fail(500, "one\ntwo")).toBe("@fail 500 one two");
  });

  it("refuses what the model would not understand", () => {
    expect(() => chunks(0)).toThrow("`count` is 0");
    expect(() => chunks(1, 1.5)).toThrow("`characters` is 1.5");
    expect(() => wait(-1)).toThrow("`ms` is -1");
    expect(() => fail(200, "fine")).toThrow("`status` is 200");
  });
});
