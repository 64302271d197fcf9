import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../tools/workbench.js";
import { eras, openWorkshop, serverScript } from "./workshop.js";

const headers = { Authorization: "Bearer open-sesame" };
const down = "a tool server is down; it is started again";

/** The test server over HTTP. */
async function startServer(era: string, port = 0) {
  const child = spawn(process.execPath, [serverScript, "--http", era], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, PORT: String(port) },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await until(() => lines.length > 0);
  return {
    port: Number(lines[0]),
    url: `http://127.0.0.1:${lines[0]}/mcp`,
    lines,
  };
}

describe.each(eras)("a server of the era %s", (era) => {
  test("a server behind a URL is used with its headers, and tells when its tools change", async () => {
    const workshop = await openWorkshop();
    const server = await startServer(era);
    workshop.configure({ web: { url: server.url, headers } });
    expect((await workshop.call("mcp__web__echo", { text: "hello" })).output).toBe("hello");
    await workshop.call("mcp__web__grow");
    await workshop.untilOffered("mcp__web__grown");
  });

  test("a cancelled call ends at once, and the server goes on", async () => {
    const workshop = await openWorkshop();
    const server = await startServer(era);
    workshop.configure({ web: { url: server.url, headers } });
    await workshop.names();
    const cancel = new AbortController();
    const call = workshop.call("mcp__web__wait", {}, cancel.signal);
    cancel.abort(new Error("cancelled (user)"));
    await expect(call).rejects.toThrow("cancelled (user)");
    expect((await workshop.call("mcp__web__echo", { text: "on" })).output).toBe("on");
  });

  test("a server that refuses is told with what it said, without the header's secret", async () => {
    const workshop = await openWorkshop();
    const server = await startServer(era);
    const secret = "wrong-and-secret";
    workshop.configure({
      web: { url: server.url, headers: { Authorization: `Bearer ${secret}` } },
    });
    expect(await workshop.names()).toEqual([]);
    expect(workshop.logged(down)[0]?.fields.reason).toBe("it answered with HTTP 401: no");
    expect(JSON.stringify(workshop.log)).not.toContain(secret);
  });

  test("a server that dies in a call fails the call, and is used again once it is back", async () => {
    const workshop = await openWorkshop();
    const server = await startServer(era);
    workshop.configure({ web: { url: server.url, headers } });
    await workshop.names();
    const call = workshop.call("mcp__web__crash");
    expect((await call).isError).toBe(true);
    await until(() => workshop.logged(down).length > 0);
    expect(await workshop.names()).toEqual([]);
    await startServer(era, server.port);
    await workshop.untilOffered("mcp__web__echo");
    expect((await workshop.call("mcp__web__echo", { text: "back" })).output).toBe("back");
  });
});

test("a server of the old era is told goodbye at the end", async () => {
  const workshop = await openWorkshop();
  const server = await startServer("--old");
  workshop.configure({ web: { url: server.url, headers } });
  await workshop.names();
  await workshop.servers.dispose();
  await until(() => server.lines.includes("closed"));
});

test("a server that has forgotten the session is connected to anew", async () => {
  const workshop = await openWorkshop();
  const server = await startServer("--old");
  workshop.configure({ web: { url: server.url, headers } });
  await workshop.call("mcp__web__forget");
  const call = await workshop.call("mcp__web__echo", { text: "hello" });
  expect(call).toEqual({ output: "it knows the session no more", isError: true });
  expect(workshop.logged(down)).toHaveLength(1);
  await workshop.untilOffered("mcp__web__echo");
  expect((await workshop.call("mcp__web__echo", { text: "back" })).output).toBe("back");
});

/** A server that sends the pieces, as often as they are taken. */
async function streamOf(type: string, pieces: () => Iterable<string>): Promise<string> {
  const server = createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": type });
    for (const piece of pieces()) {
      if (response.destroyed) return;
      await new Promise<void>((done) => response.write(piece, () => done()));
    }
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return `http://127.0.0.1:${port}/`;
}

function* endless(start: string, piece: string) {
  yield start;
  for (;;) yield piece;
}

const mebibyte = 1024 * 1024;

test.each([
  [
    "without end",
    "application/json",
    () => endless("", "x".repeat(mebibyte)),
    "a message has more than 16777216 bytes",
  ],
  [
    "of too many values",
    "application/json",
    () => [`[${"{},".repeat(1_100_000)}{}]`],
    "a message has more than 1000000 values",
  ],
  [
    "of too many messages",
    "application/json",
    () => [`[${"{},".repeat(100_000)}{}]`],
    "there are more than 1000 messages at once",
  ],
  [
    "that is nested too deep",
    "application/json",
    () => [`{"jsonrpc":"2.0","id":0,"result":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    "a message is nested too deep",
  ],
  [
    "that is an event without end",
    "text/event-stream",
    () => endless("data: ", "x".repeat(mebibyte)),
    "one event of the stream is longer than 16 MiB",
  ],
  [
    "that is an event of too many values",
    "text/event-stream",
    () => endless("data: [", "{},".repeat(20_000)),
    "one event of the stream has more than 100,000 values",
  ],
])("an answer %s is broken off", async (_, type, pieces, reason) => {
  const workshop = await openWorkshop();
  workshop.configure({ web: { url: await streamOf(type, pieces), headers: {} } });
  expect(await workshop.names()).toEqual([]);
  expect(JSON.stringify(workshop.log)).toContain(reason);
});

test.each([301, 302, 303, 307, 308])(
  "a %i to another origin gets no header and no message",
  async (status) => {
    const workshop = await openWorkshop();
    const other: string[] = [];
    const elsewhere = createServer((request, response) => {
      other.push(`${request.method} ${request.headers.authorization}`);
      response.end("{}");
    });
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const portOf = (server: typeof elsewhere) => Object(server.address()).port as number;
    const target = `http://127.0.0.1:${portOf(elsewhere)}/mcp`;
    const server = createServer((_, response) => {
      response.writeHead(status, { location: target }).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      for (const one of [server, elsewhere]) {
        one.closeAllConnections();
        one.close();
      }
    });
    workshop.configure({ web: { url: `http://127.0.0.1:${portOf(server)}/mcp`, headers } });
    expect(await workshop.names()).toEqual([]);
    expect(workshop.logged(down)[0]?.fields.reason).toContain("redirects to another origin");
    expect(other).toEqual([]);
  },
);
