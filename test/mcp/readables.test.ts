// What servers have beside their tools: resources, and prompts as commands.
import { describe, expect, test } from "vitest";
import { eras, openWorkshop, stdio } from "./workshop.js";

describe.each(eras)("a server of the era %s", (era) => {
  const open = async () => {
    const workshop = await openWorkshop();
    workshop.configure({ notes: stdio([era]) });
    await workshop.names();
    return workshop;
  };

  test("its resources are listed, with the templates of others", async () => {
    const workshop = await open();
    const { output } = await workshop.call("mcpResources");
    expect(output).toBe(
      [
        "notes:",
        '- notes://today "today": A note.',
        '- notes://long "long": A note.',
        '- notes://photo "photo": A note.',
        '- template notes://{day} "notes"',
      ].join("\n"),
    );
    expect(await workshop.call("mcpResources", { server: "notes" })).toEqual({ output });
  });

  test("a resource is read, within bounds", async () => {
    const workshop = await open();
    const read = (uri: string) => workshop.call("mcpResources", { server: "notes", uri });
    expect(await read("notes://today")).toEqual({
      output: "[resource: notes://today]\nWater the plants.",
    });
    expect((await read("notes://long")).output).toContain("characters are left out here");
    expect((await read("notes://long")).output.length).toBeLessThan(51_000);
    expect((await read("notes://none")).output).toContain("there is no notes://none");
    expect(await workshop.call("mcpResources", { uri: "notes://today" })).toEqual({
      output: "[resource: notes://today]\nWater the plants.",
    });
  });

  test("each look asks, for the tool that rules about the server name", async () => {
    const workshop = await open();
    await workshop.call("mcpResources", { server: "notes", uri: "notes://today" });
    expect(workshop.needs).toMatchObject([
      { tool: "mcpResources", denyOnly: true },
      {
        tool: "mcp__notes__resources",
        action: "read",
        description: 'Read "notes://today" of the tool server "notes"',
        subject: { kind: "tool", value: "mcp__notes__resources" },
        input: { server: "notes", uri: "notes://today" },
      },
    ]);
    workshop.verdict = { allowed: false, message: "The user said no." };
    expect(await workshop.call("mcpResources")).toMatchObject({ denied: true });
  });

  test("its prompts are commands, whose words go to its arguments in order", async () => {
    const workshop = await open();
    const { signal } = new AbortController();
    const expand = (text: string) => workshop.servers.expand(text, signal);
    expect(await workshop.servers.commands(signal)).toEqual([
      {
        name: "mcp__notes__review",
        description: "Reviews a file.",
        argumentHint: "<file> [focus]",
        source: "mcp",
      },
    ]);
    const reviewOf = (what: string) => `Review ${what}.\nAssistant:\nI shall.`;
    expect(await expand("/mcp__notes__review a.ts")).toBe(reviewOf("a.ts, above all everything"));
    expect(await expand("/mcp__notes__review a.ts the tests and names")).toBe(
      reviewOf("a.ts, above all the tests and names"),
    );
    expect(await expand('/mcp__notes__review "my file.ts"  "one thing"')).toBe(
      reviewOf("my file.ts, above all one thing"),
    );
    expect(await expand("/mcp__notes__review")).toBe(
      "[This command could not be carried out: which file?]",
    );
    for (const text of ["/other a.ts", "/", "mcp__notes__review a.ts", " /mcp__notes__review a"]) {
      expect(await expand(text)).toBeUndefined();
    }
  });
});

test("where no server has resources there is no such tool", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ plain: stdio(["--plain"]) });
  expect(await workshop.names()).not.toContain("mcpResources");
  expect(await workshop.servers.commands(new AbortController().signal)).toEqual([]);
});

test("a server that is not there, or not said among several, is asked for", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ one: stdio(), two: stdio(["--old"]), plain: stdio(["--plain"]) });
  await workshop.names();
  expect((await workshop.call("mcpResources", { uri: "notes://today" })).output).toBe(
    "Say which server: one, two.",
  );
  expect((await workshop.call("mcpResources", { server: "plain" })).output).toBe(
    'No MCP server "plain" has resources. There are: one, two.',
  );
});
