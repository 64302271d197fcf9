import { describe, expect, test } from "vitest";
import { toolDefinitions } from "../../src/agent/toolDefinitions.js";
import { isAlive, until } from "../tools/workbench.js";
import { eras, openWorkshop, stdio as plainStdio } from "./workshop.js";

describe.each(eras)("a server of the era %s", (era) => {
  const stdio: typeof plainStdio = (args = [], env) => plainStdio([era, ...args], env);

  test("a server's tools are offered under mcp__server__tool, those of later pages too", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    const names = await workshop.names();
    expect(names).toContain("mcp__test__echo");
    expect(names).toContain("mcp__test__grow");
    expect(names).toHaveLength(16);
  });

  test("the model is told the server's own schema, without what providers refuse", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    const [echo, look] = toolDefinitions(await workshop.tools());
    expect(echo).toEqual({
      type: "function",
      name: "mcp__test__echo",
      description: "Says it again.",
      inputSchema: {
        type: "object",
        properties: { text: { type: "string", pattern: "^[a-z ]+$", description: "What to say." } },
        required: ["text"],
        additionalProperties: false,
      },
    });
    expect(look).toMatchObject({
      description: "Look at it",
      inputSchema: { type: "object", properties: {} },
    });
  });

  test("a call asks first, in words that a rule and a person understand, and gives the text", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    expect(await workshop.call("mcp__test__echo", { text: "hello" })).toEqual({ output: "hello" });
    expect(workshop.needs).toEqual([
      {
        toolCallId: "call_1",
        tool: "mcp__test__echo",
        action: "execute",
        readOnly: false,
        description: 'Use "echo" of the tool server "test"',
        subject: { kind: "tool", value: "mcp__test__echo" },
        input: { text: "hello" },
      },
    ]);
  });

  test("a tool that says that it only reads asks all the same", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    workshop.verdict = { allowed: false, message: "The user said no." };
    expect(await workshop.call("mcp__test__look")).toEqual({
      output: "The user said no.",
      isError: true,
      denied: true,
    });
    expect(workshop.needs[0]).toMatchObject({ action: "read" });
  });

  test("what is no text is noted, and structured content stands in for text that is missing", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    expect((await workshop.call("mcp__test__pictures")).output).toBe(
      [
        "Two things:",
        "[image (image/png, 5 bytes), which cannot be shown]",
        "[resource: file:///a.txt]\ninside",
        "[resource: b file:///b.txt]",
      ].join("\n"),
    );
    expect(JSON.parse((await workshop.call("mcp__test__structured")).output)).toEqual({
      answer: 42,
    });
  });

  test("a long result loses its middle", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    const { output } = await workshop.call("mcp__test__long");
    expect(output.length).toBeLessThan(50_100);
    expect(output).toMatch(/^begin.*\n\n\[150,008 characters are left out here\]\n\n.*end$/s);
  });

  test("errors go to the model: a tool's own, and a refused call without the server's secrets", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio([], { OWN_TOKEN: "s3cret-token" }) });
    expect(await workshop.call("mcp__test__fail")).toEqual({
      output: "there is no such thing",
      isError: true,
    });
    const refused = await workshop.call("mcp__test__refuse");
    expect(refused.isError).toBe(true);
    expect(refused.output).toContain("refused with [redacted]");
  });

  test("a server has the tools' environment and its own variables, and works in the workspace", async () => {
    const workshop = await openWorkshop();
    const env = { ...workshop.env, SHARED: "tools", OVERRIDDEN: "tools" };
    workshop.configure({ test: stdio([], { OVERRIDDEN: "own" }) }, env);
    const variable = async (name: string) =>
      (await workshop.call("mcp__test__variable", { name })).output;
    expect(await variable("SHARED")).toBe("tools");
    expect(await variable("OVERRIDDEN")).toBe("own");
    // What this process has, and the tools' environment has not.
    expect(process.env.VITEST).toBeDefined();
    expect(await variable("VITEST")).toBe("(not set)");
    expect(JSON.parse((await workshop.call("mcp__test__place")).output).cwd).toBe(
      workshop.workspace,
    );
  });

  test("a program is not looked for in the workspace", async () => {
    const workshop = await openWorkshop();
    const env = { ...workshop.env, PATH: `.:${workshop.workspace}:${workshop.env.PATH}` };
    workshop.configure({ test: stdio() }, env);
    const { output } = await workshop.call("mcp__test__variable", { name: "PATH" });
    expect(output).toBe(workshop.env.PATH);
  });

  test("what is written beside the protocol hurts nothing and goes to the log, without secrets", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio(["--noise"], { OWN_TOKEN: "s3cret-token" }) });
    expect((await workshop.call("mcp__test__echo", { text: "on" })).output).toBe("on");
    await until(() => workshop.logged("a tool server writes").length > 0);
    expect(workshop.logged("a tool server writes")[0]?.fields).toEqual({
      server: "test",
      line: "the token is [redacted]",
    });
    expect(workshop.logged("trouble with a tool server").map(({ fields }) => fields.error)).toEqual(
      ["this is no message: Welcome to the test server!", "this is no message: {not json"],
    );
  });

  test("a cancelled call ends at once, and the server is told", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    const cancel = new AbortController();
    const lines = () => workshop.logged("a tool server writes").map(({ fields }) => fields.line);
    const call = workshop.call("mcp__test__wait", {}, cancel.signal);
    await until(() => lines().includes("waiting"));
    cancel.abort(new Error("cancelled (user)"));
    await expect(call).rejects.toThrow("cancelled (user)");
    await until(() => lines().includes("the call was cancelled"));
    expect((await workshop.call("mcp__test__echo", { text: "on" })).output).toBe("on");
  });

  test("a server that changes its tools is asked for them again", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    expect(await workshop.names()).not.toContain("mcp__test__grown");
    await workshop.call("mcp__test__grow");
    await workshop.untilOffered("mcp__test__grown");
    expect((await workshop.call("mcp__test__grown")).output).toBe("grown");
  });

  test("disposing ends the server and what it began, also what left its group", async () => {
    const workshop = await openWorkshop();
    workshop.configure({ test: stdio() });
    const pids = [await workshop.pid(), Number((await workshop.call("mcp__test__begin")).output)];
    for (const pid of pids) expect(await isAlive(pid)).toBe(true);
    await workshop.servers.dispose();
    for (const pid of pids) expect(await isAlive(pid)).toBe(false);
    expect(await workshop.names()).toEqual([]);
  });
});
