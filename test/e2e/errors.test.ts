// protocol.md section 8: errors. That every one carries its code, name and `retryable`, and tells
// nothing of the server's insides, is checked on each that any test receives (wireChecks.ts).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { methods } from "../../src/protocol/index.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeAll(async () => {
  server = startServer();
  await server.settle();
});
afterAll(endServers);

describe("InvalidParams", () => {
  it("names each field and what is wrong with it", async () => {
    const error = await server.fail("createWorkspace", {
      path: 7,
      env: { A: "a", B: 1 },
      permissionMode: "maybe",
      trusted: "yes",
    });
    expect(error).toMatchObject({
      code: -32602,
      data: { name: "InvalidParams", retryable: false },
    });
    const issues = error.data.issues as { path: string; message: string }[];
    expect(issues.map(({ path }) => path).sort()).toEqual([
      ...["env.B", "path", "permissionMode", "trusted"],
    ]);
    for (const { message } of issues) expect(message).toMatch(/\w/);
    for (const { path } of issues) expect(error.message).toContain(path);
  });

  it("refuses variables that no process can have", async () => {
    for (const [env, path] of [
      [{ A: "a\0b" }, "env.A"],
      [{ "": "x" }, "env."],
      [{ "A=B": "x" }, "env.A=B"],
      [{ "A\0": "x" }, "env.A"],
    ] as const) {
      const error = await server.fail("createWorkspace", { path: "/", env });
      expect(error).toMatchObject({ code: -32602, data: { name: "InvalidParams" } });
      const issues = error.data.issues as { path: string }[];
      expect(issues.map((issue) => issue.path)).toEqual([expect.stringContaining(path)]);
    }
  });

  it("is told of params by position, and of what is missing", async () => {
    expect(await server.fail("createWorkspace", ["/tmp"])).toMatchObject({
      code: -32602,
      data: { issues: [{ path: "", message: expect.any(String) }] },
    });
    expect(await server.fail("ping", [1])).toMatchObject({ code: -32602 });
    for (const params of [undefined, null, {}, []]) {
      expect(await server.fail("createWorkspace", params)).toMatchObject({
        data: { issues: [{ path: "path" }] },
      });
    }
  });

  it("is what every method with required params answers where they are missing", async () => {
    for (const [name, method] of Object.entries(methods)) {
      if (name === "shutdown" || method.params().safeParse({}).success) continue;
      expect([name, await server.failure(name, {})]).toEqual([name, "InvalidParams"]);
      expect([name, await server.failure(name, [1, 2])]).toEqual([name, "InvalidParams"]);
    }
  });

  it("refuses what is too long or out of bounds", async () => {
    const session = await openSession(server);
    for (const [method, params] of [
      ["updateSession", { ...session.ids, title: "x".repeat(501) }],
      ["sendMessage", { ...session.params("p"), runId: "x".repeat(201) }],
      ["sendMessage", { ...session.params("p"), runId: "" }],
      ["sendMessage", { ...session.params("p"), runId: null }],
      ["listMessages", { ...session.ids, limit: 1001 }],
      ["listMessages", { ...session.ids, cursor: "-1" }],
      ["acknowledge", { completionIds: "all" }],
    ] as const) {
      expect([method, await server.failure(method, params)]).toEqual([method, "InvalidParams"]);
    }
  });
});

describe("unknown fields", () => {
  it("are ignored, at every depth", async () => {
    const path = makeFolder();
    const workspace = await server.ask("createWorkspace", { path, colour: "red", agent: { x: 1 } });
    expect(workspace.error).toBeUndefined();
    const { id } = await server.call("createWorkspace", { path });
    const params = {
      workspaceId: id,
      model: { provider: "a", model: "b", colour: 1 },
      modelType: "large",
    };
    expect(await server.failure("setModel", params)).toBe("AgentNotInitialized");
  });

  it("with the names of JavaScript's own do no harm", async () => {
    const text = `{"jsonrpc":"2.0","id":"proto","method":"createWorkspace","params":{"__proto__":{"path":"/"},"constructor":1}}`;
    server.send(text);
    expect(await server.answer("proto")).toMatchObject({ error: { code: -32602 } });
    for (const method of ["constructor", "__proto__", "toString", "hasOwnProperty", ""]) {
      expect(await server.failure(method)).toBe("MethodNotFound");
    }
  });
});

it("methods that are the server's to call cannot be called", async () => {
  expect(await server.failure("requestPermission", {})).toBe("MethodNotFound");
  expect(await server.failure("runComplete", {})).toBe("MethodNotFound");
  expect(await server.failure("exit", {})).toBe("MethodNotFound");
});

it("a prompt with every kind of character comes back as it was", async () => {
  const session = await openSession(server);
  const prompt = '\u0000\u0001\u2028\u2029\ud83d\ude00\ufeff"\\\r\n\té\u202e';
  await session.run(prompt, "odd-1");
  expect((await session.messages())[0]?.parts[0]).toEqual({ type: "text", text: prompt });
});

it("half of a character in a prompt does not break the connection", async () => {
  const session = await openSession(server);
  server.send(
    `{"jsonrpc":"2.0","id":"half","method":"sendMessage","params":${JSON.stringify(session.ids).slice(0, -1)},"prompt":"@say \\ud83d","runId":"half-1"}}`,
  );
  expect(await server.answer("half")).toMatchObject({ result: { state: "accepted" } });
  await server.completion("half-1");
  await server.settle();
});
