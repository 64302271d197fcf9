// Each tool, each provider and each command once, in the built files: with nothing compiled before,
// and again with what V8 compiled then. What is loaded late is only known to load when it is used.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { protocolJsonSchema } from "../../src/cli/schema.js";
import { documentedTools } from "../../src/engine/toolInfos.js";
import {
  type LoopbackProvider,
  reply,
  startLoopbackProvider,
} from "../helpers/loopbackProvider.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { testNode } from "../helpers/testNode.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";
import { openSession } from "../helpers/wireSession.js";

const toolServer = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));

/** Where V8's work is kept: the second round of each test finds what the first has left. */
let cache: string;
beforeAll(() => {
  cache = makeFolder();
});
afterAll(endServers);

function environment(config: object): Record<string, string> {
  const folder = makeFolder();
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(config));
  return { TURNWIRE_CONFIG: file, XDG_CACHE_HOME: cache };
}

describe.each(["nothing", "everything"])("with %s compiled before", () => {
  describe("each tool", () => {
    let provider: LoopbackProvider;
    let site: Server;
    beforeEach(async () => {
      provider = await startLoopbackProvider();
      site = createServer((_, response) => {
        response.setHeader("content-type", "text/html");
        response.end("<h1>A page</h1>");
      });
      site.listen(0);
      await once(site, "listening");
    });
    afterEach(async () => {
      site.closeAllConnections();
      site.close();
      await provider.close();
    });

    it("does what it is for", async () => {
      const address = site.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const url = `http://localhost:${port}/`;
      const env = environment(
        provider.config({
          permissions: { allow: [`fetch:${url}*`] },
          mcpServers: { docs: { command: testNode, args: [toolServer] } },
        }),
      );
      const server = startServer({ env });
      const session = await openSession(server);
      const asked = reply()
        .toolCall("write", { path: "a.txt", content: "one\n" })
        .toolCall("read", { path: "a.txt" })
        .toolCall("edit", { path: "a.txt", edits: [{ oldText: "one", newText: "two" }] })
        .toolCall("ls", {})
        .toolCall("glob", { pattern: "*.txt" })
        .toolCall("grep", { pattern: "two" })
        .toolCall("fetch", { url })
        .toolCall("todos", { todos: [{ text: "rest", status: "pending" }] })
        .toolCall("task", { description: "look", prompt: "Look at a.txt." })
        .toolCall("mcp__docs__echo", { text: "hello" })
        .toolCall("mcpResources", {})
        .toolCall("bash", { command: "sleep 60", background: true })
        .toolCall("jobOutput", { jobId: "job1" })
        .toolCall("jobKill", { jobId: "job1" });
      const child = reply().text("I looked.");
      provider.enqueue(asked, child, reply().text("Done."));
      expect(await session.run("Do everything.", "run-1")).toMatchObject({
        status: "succeeded",
        text: "Done.",
      });
      const parts = (await session.messages()).flatMap((message) => message.parts);
      const results = parts.filter((part) => part.type === "toolResult");
      expect(results.filter(({ isError }) => isError)).toEqual([]);
      const offered = provider.turnRequests[0]?.body.tools?.map((tool) => tool.function.name);
      const own = offered?.filter((name) => !name.startsWith("mcp__"));
      expect(new Set(results.map(({ name }) => name))).toEqual(
        new Set([...(own ?? []), "mcp__docs__echo"]),
      );
      expect(results.find(({ name }) => name === "fetch")?.output).toBe("# A page");
      await server.close();
    });
  });

  describe("each provider", () => {
    let provider: RawProvider;
    beforeEach(async () => {
      provider = await RawProvider.start();
    });
    afterEach(() => provider.close());

    it.each(wireFormats)("of type $type answers", async (format) => {
      provider.usual = answerOf(format, { text: ["It ", "works."] });
      const { type, path } = format;
      const models = [{ id: "model-1" }];
      const acme = { type, baseUrl: `${provider.origin}${path}`, apiKey: "key-0123456789", models };
      const env = environment({
        providers: { acme },
        models: { large: { provider: "acme", model: "model-1" } },
      });
      const server = startServer({ env });
      const session = await openSession(server);
      const completion = await session.run("Hello", "run-1");
      expect(completion).toMatchObject({ status: "succeeded", text: "It works." });
      await server.close();
    });

    it("that is embedded answers", async () => {
      const server = startServer({ env: environment({}) });
      const session = await openSession(server);
      const completion = await session.run("@say It works.", "run-1");
      expect(completion).toMatchObject({ status: "succeeded", text: "It works." });
      await server.close();
    });
  });

  it("makes the JSON Schema that zod makes unbundled", async () => {
    const { stdout } = await promisify(execFile)(testNode, [inject("serverScript"), "schema"], {
      maxBuffer: 10_000_000,
    });
    const tools = documentedTools(systemClock, randomIds);
    const unbundled = JSON.stringify(protocolJsonSchema(tools));
    expect(JSON.parse(stdout)).toEqual(JSON.parse(unbundled));
  });

  it.each([
    [["run", "@say It runs."], "It runs.\n"],
    [["schema"], "runComplete"],
    [["doctor"], "config"],
    [["--version"], "."],
    [["--help"], "serve"],
    [["run", "--help"], "--cwd"],
  ])("the command %j says what it should", async (args, said) => {
    const home = makeFolder();
    const ran = promisify(execFile)(testNode, [inject("serverScript"), ...args], {
      cwd: home,
      env: { ...process.env, ...environment({}), HOME: home, XDG_STATE_HOME: home },
    });
    ran.child.stdin?.end();
    const { stdout, stderr } = await ran;
    expect(stdout).toContain(said);
    expect(stderr).not.toContain("Warning");
  });
});
