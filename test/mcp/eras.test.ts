// Which era a server belongs to, and what is understood of answers that are not as they should be.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import type { McpServer } from "../../src/config/types.js";
import { until } from "../tools/workbench.js";
import { openWorkshop, stdio } from "./workshop.js";

const script = fileURLToPath(new URL("../helpers/oddMcpServer.mjs", import.meta.url));
const down = "a tool server is down; it is started again";

const overStdio = async (oddity: string): Promise<McpServer> => ({
  command: process.execPath,
  args: [script, oddity],
  env: {},
});

async function overHttp(oddity: string): Promise<McpServer> {
  return { url: await listen([script, oddity, "--http"]), headers: {} };
}

/** Starts a server that prints its port. */
async function listen(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await until(() => lines.length > 0);
  return `http://127.0.0.1:${lines[0]}/mcp`;
}

const ways = [
  ["stdio", overStdio],
  ["HTTP", overHttp],
] as const;

test("a server that speaks both eras is understood, whichever is tried", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ test: stdio() });
  expect((await workshop.call("mcp__test__echo", { text: "both" })).output).toBe("both");
});

describe.each(ways)("over %s", (_, serve) => {
  test.each(["old", "new"])("a plain server of the %s era is used", async (oddity) => {
    const workshop = await openWorkshop();
    workshop.configure({ odd: await serve(oddity) });
    expect(await workshop.names()).toEqual(["mcp__odd__echo", "mcp__odd__fine"]);
  });

  test.each([
    ["otherVersion", "Server's protocol version is not supported: 1999-01-01"],
    ["newOther", "it speaks version 2099-01-01 of the protocol, and none that is spoken here"],
  ])("a server of another version (%s) is told with that version", async (oddity, reason) => {
    const workshop = await openWorkshop();
    workshop.configure({ odd: await serve(oddity) });
    expect(await workshop.names()).toEqual([]);
    expect(workshop.logged(down)[0]?.fields.reason).toBe(reason);
    expect(workshop.servers.warningsFor()).toEqual([
      `The tool server "odd" does not run: ${reason.replace(/\.$/, "")}.`,
    ]);
  });

  test.each(["oldBadTools", "newBadTools"])(
    "tools that are wrong (%s) leave the rest, with a warning each",
    async (oddity) => {
      const workshop = await openWorkshop();
      workshop.configure({ odd: await serve(oddity) });
      expect(await workshop.names()).toEqual(["mcp__odd__echo", "mcp__odd__fine"]);
      const told = workshop.logged("a tool is left out");
      expect(told.map(({ level, fields }) => [level, fields.tool])).toEqual([
        ["warn", "bad"],
        ["warn", ""],
        ["warn", ""],
      ]);
      expect(workshop.servers.warningsFor()).toEqual([
        expect.stringMatching(/^The tool "bad" of the tool server "odd" is left out: its entry/),
        ...[1, 2].map(() => expect.stringMatching(/^A tool of the tool server "odd" is left/)),
      ]);
      expect(told[0]?.fields.why).toMatch(/^its entry is wrong at "inputSchema": /);
    },
  );

  test.each(["old", "new"])("results that are none (%s) are told in a sentence", async (oddity) => {
    const workshop = await openWorkshop();
    workshop.configure({ odd: await serve(oddity) });
    const resultOf = (what: string) => workshop.call("mcp__odd__echo", { what });
    expect(await resultOf("nullContent")).toEqual({
      output: 'The tool gave no content: its "content" is null.',
    });
    expect(await resultOf("textContent")).toEqual({
      output: 'The "content" of its result is a string where a list of blocks belongs.',
      isError: true,
    });
    expect(await resultOf("newKind")).toEqual({
      output: "[content of a kind that is not known here]\nseen",
    });
    expect(JSON.parse((await resultOf("structured")).output)).toEqual({ answer: 42 });
  });
});

test.each([
  ["nothing", "null"],
  ["text", "a string"],
])("a result that is %s fails the call at once", async (what, kind) => {
  const workshop = await openWorkshop();
  for (const era of ["old", "new"]) {
    workshop.configure({ odd: await overStdio(era) });
    expect(await workshop.call("mcp__odd__echo", { what })).toEqual({
      output: `It answered with ${kind} where a result belongs.`,
      isError: true,
    });
    workshop.configure({});
  }
});

test("over HTTP a result that is none fails the call at once, too", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ odd: await overHttp("old") });
  expect(await workshop.call("mcp__odd__echo", { what: "nothing" })).toEqual({
    output: "its answer is no message of the protocol",
    isError: true,
  });
  expect(workshop.logged(down)).toEqual([]);
});

test.each(["silent", "quits"])(
  "an old program that is %s at the question is used",
  async (oddity) => {
    const workshop = await openWorkshop();
    workshop.configure({ odd: await overStdio(oddity) });
    await workshop.untilOffered("mcp__odd__echo");
    expect(workshop.logged(down)).toEqual([]);
  },
);

test("a program of the new era that starts slowly is used", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ odd: await overStdio("newSlow") });
  await workshop.untilOffered("mcp__odd__echo");
  expect(workshop.logged(down)).toEqual([]);
});

test.each(["breaks", "page"])(
  "an old server over HTTP that %s at the question is used",
  async (oddity) => {
    const workshop = await openWorkshop();
    workshop.configure({ odd: await overHttp(oddity) });
    expect(await workshop.names()).toEqual(["mcp__odd__echo", "mcp__odd__fine"]);
  },
);

test("a server that is not there is told as that", async () => {
  const workshop = await openWorkshop();
  workshop.configure({ web: { url: "http://127.0.0.1:1/", headers: {} } });
  expect(await workshop.names()).toEqual([]);
  expect(workshop.logged(down)[0]?.fields.reason).toMatch(/^fetch failed \(/);
});
