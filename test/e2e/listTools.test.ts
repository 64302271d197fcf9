import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { outputToolName } from "../../src/base/outputTool.js";
import { protocolJsonSchema } from "../../src/cli/schema.js";
import { documentedTools } from "../../src/engine/toolInfos.js";
import { builtInToolNames } from "../../src/protocol/objects/clientTool.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));
const symbols = {
  name: "symbols",
  description: "Finds symbols.",
  inputSchema: { type: "object", properties: { query: { type: "string" } } },
};

describe("listTools", () => {
  it("gives the built-in tools, those of tool servers and those of the client", async () => {
    const mcpServers = { docs: { command: process.execPath, args: [script] } };
    const { provider, server } = await startLoopbackServer({ config: { mcpServers } });
    onTestFinished(() => provider.close());
    const { workspaceId } = await openSession(server);
    await server.call("setTools", {
      tools: [symbols, { ...symbols, name: "look", readOnly: true }],
    });
    const { tools } = await server.call("listTools", { workspaceId });
    const of = (source: string) => tools.filter((tool) => tool.source === source);
    // The tool that ends a run with a value has the schema of that run.
    const names = builtInToolNames.filter((name) => name !== outputToolName);
    expect(
      of("builtIn")
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names].sort());
    expect(of("mcp").length).toBeGreaterThan(0);
    expect(of("mcp").map(({ name }) => name)).toContain("mcp__docs__echo");
    expect(of("client")).toEqual([
      { ...symbols, readOnly: false, source: "client" },
      { ...symbols, name: "look", readOnly: true, source: "client" },
    ]);
    const readOnly = of("builtIn").filter((tool) => tool.readOnly);
    expect(readOnly.map(({ name }) => name).sort()).toEqual(
      ["fetch", "glob", "grep", "jobOutput", "ls", "read", "skill", "task"].sort(),
    );
    for (const { inputSchema } of tools) expect(inputSchema).toMatchObject({ type: "object" });
  });

  it("is refused like every question about a workspace that is not ready, or no session", async () => {
    const { provider, server } = await startLoopbackServer();
    onTestFinished(() => provider.close());
    const { workspaceId } = await openSession(server);
    expect(await server.failure("listTools", { workspaceId: "ws_none" })).toBe("WorkspaceNotFound");
    expect(await server.failure("listTools", { workspaceId, sessionId: "none" })).toBe(
      "SessionNotFound",
    );
  });
});

describe("the JSON Schema with the built-in tools", () => {
  it("has the input of each under its name", () => {
    const tools = documentedTools(systemClock, randomIds);
    const defs: Readonly<Record<string, unknown>> = protocolJsonSchema(tools).$defs.tools ?? {};
    expect(Object.keys(defs).sort()).toEqual(tools.map(({ name }) => name).sort());
    expect(defs.bash).toMatchObject({
      type: "object",
      properties: { command: { type: "string" } },
      required: ["command"],
    });
  });
});
