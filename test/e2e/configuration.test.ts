// protocol.md section 10: where the configuration comes from, and the offline model.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileGate } from "../helpers/fileGate.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** The model that a workspace of a server with this environment has. */
async function modelWith(env: Record<string, string>, path = makeFolder()): Promise<string> {
  const server = startServer({ env });
  const { agent } = await server.call("createWorkspace", { path, initAgent: true, trusted: true });
  return `${agent.modelConfig?.provider}/${agent.modelConfig?.model}`;
}

function writeConfig(config: object): string {
  const file = join(makeFolder(), "config.json");
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const local = (model: string) => ({
  providers: {
    local: { type: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1", models: [{ id: model }] },
  },
});

describe("the configuration", () => {
  it("is, with nothing at all, the offline model", async () => {
    expect(await modelWith({})).toBe("offline/offline");
  });

  it("is the first provider whose usual key is set", async () => {
    const keys = { GEMINI_API_KEY: "g", OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a" };
    const { ANTHROPIC_API_KEY: _, ...two } = keys;
    expect(await modelWith(keys)).toMatch(/^anthropic\//);
    expect(await modelWith(two)).toMatch(/^openai\//);
    expect(await modelWith({ GEMINI_API_KEY: "g" })).toMatch(/^google\//);
  });

  it("is read from $TURNWIRE_CONFIG, else from $XDG_CONFIG_HOME", async () => {
    const xdg = makeFolder();
    mkdirSync(join(xdg, "turnwire"));
    writeFileSync(join(xdg, "turnwire", "config.json"), JSON.stringify(local("from-xdg")));
    const named = writeConfig(local("from-named"));
    expect(await modelWith({ XDG_CONFIG_HOME: xdg })).toBe("local/from-xdg");
    expect(await modelWith({ XDG_CONFIG_HOME: xdg, TURNWIRE_CONFIG: named })).toBe(
      "local/from-named",
    );
  });

  it("is added to by the workspace's own file, where that is trusted", async () => {
    const path = makeFolder();
    writeFileSync(join(path, "turnwire.json"), JSON.stringify(local("from-workspace")));
    expect(await modelWith({}, path)).toBe("local/from-workspace");
  });

  it("of a workspace that is not trusted redirects nothing, and the log says so", async () => {
    const path = makeFolder();
    writeFileSync(join(path, "turnwire.json"), JSON.stringify(local("from-workspace")));
    const server = startServer();
    const { agent } = await server.call("createWorkspace", { path, initAgent: true });
    expect(agent.modelConfig).toEqual({ provider: "offline", model: "offline" });
    await expect.poll(() => server.stderr).toContain("providers");
  });

  it("that is named and missing is an error that names it", async () => {
    const file = join(makeFolder(), "missing.json");
    const server = startServer({ env: { TURNWIRE_CONFIG: file } });
    const { id: workspaceId } = await server.call("createWorkspace", { path: makeFolder() });
    const error = await server.fail("initAgent", { workspaceId });
    expect(error).toMatchObject({ code: 1019, data: { name: "ConfigInvalid", file } });
    expect(error.message).toContain(file);
  });

  it.each([
    ["{", "line 1"],
    ['{ "providers": { "x": { "type": "magic" } } }', "providers.x.type"],
    ['{ "providers": { "x": { "type": "openai-compatible" } } }', "providers.x.baseUrl"],
    ['{ "limits": { "maxSteps": 0 } }', "limits.maxSteps"],
    ['{ "permissions": { "mode": "sometimes" } }', "permissions.mode"],
    ['{ "autoSummarise": true }', 'did you mean "autoSummarize"'],
  ])("%s is told by file and field", async (text, words) => {
    const file = join(makeFolder(), "config.json");
    writeFileSync(file, text);
    const server = startServer({ env: { TURNWIRE_CONFIG: file } });
    const path = makeFolder();
    const error = await server.fail("createWorkspace", { path, initAgent: true });
    expect(error.data.name).toBe("ConfigInvalid");
    expect(error.message).toContain(file);
    expect(error.message).toContain(words);
  });

  it("never shows a key, whatever is wrong with it", async () => {
    const key = "sk-very-secret-0123456789";
    const file = writeConfig({
      providers: { x: { type: "openai", apiKey: key, baseUrl: "nope" } },
    });
    const server = startServer({ env: { TURNWIRE_CONFIG: file }, args: ["--log-level", "trace"] });
    await server.fail("createWorkspace", { path: makeFolder(), initAgent: true });
    await server.close();
    expect(server.texts.join() + server.stderr).not.toContain(key);
  });
});

describe("the offline model", () => {
  let server: ServerProcess;
  beforeAll(() => {
    server = startServer();
  });

  it("says that it is the offline model, repeats the prompt, and says how to get a real one", async () => {
    const session = await openSession(server);
    const { text, usage } = await session.run("How many lines has this?", "plain-1");
    expect(text).toContain("offline model");
    expect(text).toContain("How many lines has this?");
    expect(text).toContain("ANTHROPIC_API_KEY");
    expect(usage?.completionTokens).toBe(text.split(/\s+/).filter(Boolean).length);
    expect(usage?.promptTokens).toBeGreaterThan(5);
  });

  it("plays its script step by step", async () => {
    const session = await openSession(server);
    writeFileSync(join(session.path, "a.txt"), "the file's content\n");
    const script = [
      ...["@think Let me see.", "@say One", "@wait 5", "@say Two"],
      ...['@tool read {"path":"a.txt"}', "@say Three", "@chunks 3 4"],
    ];
    const { text } = await session.run(script.join("\n"), "script-1");
    expect(text).toBe("Three\nAll work and");
    const messages = await session.messages();
    expect(messages.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)])).toEqual([
      ["user", "text"],
      ["assistant", "reasoning", "text", "toolCall", "finish"],
      ["tool", "toolResult"],
      ["assistant", "text", "finish"],
    ]);
    expect(messages[1]?.parts.slice(0, 3)).toMatchObject([
      { text: "Let me see." },
      { text: "One\nTwo" },
      { name: "read", input: { path: "a.txt" }, state: "completed" },
    ]);
    expect(messages[2]?.parts[0]).toMatchObject({
      output: expect.stringContaining("the file's content"),
    });
  });

  it.each([
    [401, "ProviderAuth"],
    [400, "ProviderError"],
    [503, "ProviderOverloaded"],
    [429, "RateLimited"],
  ])("fails with %i as a provider would", async (status, errorName) => {
    const session = await openSession(server);
    const completion = await session.run(
      `@say begun\n@fail ${status} the reason`,
      `fail-${status}`,
    );
    expect(completion).toMatchObject({
      status: "failed",
      errorName,
      cause: "provider",
      error: expect.stringContaining("the reason"),
    });
  });

  it("gives a tool that does not exist, or its wrong input, back to the script", async () => {
    const session = await openSession(server);
    const script = '@tool nothing {}\n@tool read {"path":7}\n@tool read nonsense\n@say after';
    expect(await session.run(script, "wrong-1")).toMatchObject({
      status: "succeeded",
      text: "after",
    });
    const results = (await session.messages())
      .flatMap(({ parts }) => parts)
      .filter(({ type }) => type === "toolResult");
    expect(results).toMatchObject([{ isError: true }, { isError: true }, { isError: true }]);
  });

  it("says what it did not understand", async () => {
    const session = await openSession(server);
    const { text } = await session.run("@dance\n@wait long", "odd-1");
    expect(text).toContain("@dance");
    expect(text).toContain("@wait MS");
  });

  it("has a turn of its own for each prompt, whatever came before", async () => {
    const session = await openSession(server);
    await session.run("@tool ls {}\n@say one", "turn-1");
    expect(await session.run("@say two", "turn-2")).toMatchObject({ text: "two" });
    const gate = fileGate();
    await session.send(`${gate.step}\n@say three`, "turn-3");
    await session.send("@say four");
    gate.open();
    expect(await server.completion("turn-3")).toMatchObject({
      text: "three\nfour",
      foldedPrompts: 1,
    });
  });

  it("gives a session the first line of its prompt as title", async () => {
    const session = await openSession(server, { title: "" });
    await session.run("Fix the tests\nall of them", "title-1");
    expect((await server.call("getSession", session.ids)).title).not.toBe("");
  });
});
