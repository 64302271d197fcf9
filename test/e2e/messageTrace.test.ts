// What the built server tells a client of the messages of its connection (protocol.md section 2).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

interface Line {
  readonly message: string;
  readonly verbose?: string;
}

function linesOf(server: ServerProcess): Line[] {
  return server.frames
    .filter(({ method }) => method === "$/logTrace")
    .map(({ params }) => params as unknown as Line);
}

const messagesOf = (server: ServerProcess) => linesOf(server).map(({ message }) => message);

/** The line that begins so, once it has come. */
function line(server: ServerProcess, start: string): Promise<Line> {
  return server.until(() => linesOf(server).find(({ message }) => message.startsWith(start)));
}

describe.concurrent.each(["ndjson", "header"] as const)("framed as %s", (framing) => {
  it("each message is told once, in order, from the very next one on", async () => {
    const server = startServer({ framing });
    await server.settle();
    const setTrace = JSON.stringify({
      jsonrpc: "2.0",
      method: "$/setTrace",
      params: { value: "messages" },
    });
    server.send(
      setTrace,
      server.request("ping", {}, "a"),
      server.request("getRun", { workspaceId: "none", runId: "none" }, "b"),
      '{"jsonrpc":"2.0","method":"noSuchNotification"}',
    );
    await line(server, "Received notification 'noSuchNotification'");
    server.send(
      '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"gone"}}',
      "no JSON",
      `[${server.request("ping", {}, 9)}]`,
    );
    await line(server, "Sending response 'ping - (9)'");
    const told = messagesOf(server).map((text) =>
      text.replace(/\d+ms/, "5ms").replace(/failed: .* \((-?\d+)\)/, "failed ($1)"),
    );
    expect(told).toEqual([
      "Received request 'ping - (\"a\")'.",
      "Sending response 'ping - (\"a\")'. Processing request took 5ms",
      "Received request 'getRun - (\"b\")'.",
      "Sending response 'getRun - (\"b\")'. Processing request took 5ms Request failed (1001).",
      "Received notification 'noSuchNotification'.",
      "Received notification '$/cancelRequest'.",
      "Sending response '(null)'. Request failed (-32700).",
      "Received request 'ping - (9)'.",
      "Sending response 'ping - (9)'. Processing request took 5ms",
    ]);
    expect(linesOf(server).every(({ verbose }) => verbose === undefined)).toBe(true);
    expect(await server.close()).toEqual({ code: 0, signal: null });
  });

  it("a run is told with its events, its question and its completion; `off` ends it", async () => {
    const server = startServer({ framing });
    await server.call("initialize", { protocolVersion: 1, clientId: "ada", trace: "verbose" });
    server.onPermission = () => ({ result: { decision: "allow" } });
    const session = await openSession(server, { permissionMode: "ask" });
    const long = "x".repeat(10_000);
    const input = JSON.stringify({ path: "a.txt", content: "new" });
    await session.run(`@tool write ${input}\n@say ${long}`, "r-1");
    const prompt = await line(server, "Received request 'sendMessage");
    expect(prompt.verbose).toMatch(/^Params: \{"/);
    expect(prompt.verbose?.length).toBeLessThan(4200);
    expect(prompt.verbose?.endsWith("…")).toBe(true);
    expect((await line(server, "Sending request 'requestPermission")).verbose).toContain("a.txt");
    const answer = await line(server, "Received response 'requestPermission");
    expect(answer.message).toMatch(/' in \d+ms\.$/);
    expect(answer.verbose).toBe('Result: {"decision":"allow"}');
    expect((await line(server, "Sending notification 'runComplete'")).verbose).toContain("r-1");
    await line(server, "Sending notification 'messageCreated'");
    expect(messagesOf(server).filter((text) => text.includes("logTrace"))).toEqual([]);
    // The answer to `initialize` came before all of it.
    expect(server.frames[0]?.result).toBeDefined();
    expect(messagesOf(server).filter((text) => text.includes("initialize"))).toEqual([]);
    server.notify("$/setTrace", { value: "off" });
    await server.settle();
    const before = linesOf(server).length;
    await session.run("@say on", "r-2");
    await server.settle();
    expect(linesOf(server)).toHaveLength(before);
  });
});

describe.concurrent("a server", () => {
  it("ignores a `$/setTrace` that is not valid, and logs it; `initialize` refuses it", async () => {
    const server = startServer();
    for (const params of [{ value: "loud" }, {}, undefined, ["verbose"], { value: null }]) {
      server.notify("$/setTrace", params);
    }
    expect(await server.failure("initialize", { trace: "loud" })).toBe("InvalidParams");
    await server.call("initialize", { protocolVersion: 1, trace: "off" });
    await server.settle();
    await server.close();
    expect(linesOf(server)).toEqual([]);
    expect(server.stderr.split("a notification was refused").length - 1).toBe(5);
  });

  it("leaves secrets out, at any depth", async () => {
    const server = startServer();
    await server.call("initialize", { protocolVersion: 1, trace: "verbose" });
    const secret = "k-0123456789abcdef";
    const servers = [
      { name: "one", command: "none", args: [], env: [{ name: "KEY", value: secret }] },
      { name: "two", type: "http", url: "http://127.0.0.1:9", headers: { authorization: secret } },
    ];
    await server.ask("ping", { apiKey: secret, deep: { servers, list: [[{ apiKey: secret }]] } });
    await line(server, "Sending response 'ping");
    const told = JSON.stringify(linesOf(server));
    expect(told).toContain("[redacted]");
    expect(told).not.toContain(secret);
  });

  it("sends a completion although nobody reads its trace, and says what is missing", async () => {
    const server = startServer();
    await server.call("initialize", { protocolVersion: 1, clientId: "ada" });
    const session = await openSession(server);
    server.notify("$/setTrace", { value: "verbose" });
    await server.settle();
    server.child.stdout.pause();
    const text = "y".repeat(3000);
    for (let index = 0; index < 3000; index++) server.notify("ping", { text });
    const { workspaceId, sessionId } = session;
    const params = { workspaceId, sessionId, prompt: "@say done", runId: "r-1" };
    server.send(server.request("sendMessage", params));
    // Only once all of this has left is more under way than a server keeps.
    await new Promise((resolve) => server.child.stdin.write("", resolve));
    server.child.stdout.resume();
    await server.completion("r-1");
    await server.until(() => messagesOf(server).find((one) => one.includes("are missing here")));
  });

  it("loads no code for it until it is turned on", async () => {
    const loaded = async (trace: "off" | "messages") => {
      const folder = makeFolder();
      const server = startServer({ env: { NODE_V8_COVERAGE: folder } });
      await server.call("initialize", { protocolVersion: 1, trace });
      await server.settle();
      if (trace !== "off") await line(server, "Sending response 'ping");
      await server.close();
      return readdirSync(folder).some((name) =>
        readFileSync(join(folder, name), "utf8").includes("messageTrace"),
      );
    };
    expect(await loaded("off")).toBe(false);
    expect(await loaded("messages")).toBe(true);
  });
});
