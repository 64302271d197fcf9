// Nothing that a client sends keeps the server's event loop from everything else, with the built server.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defined } from "../../src/base/defined.js";
import { onThisMachine } from "../helpers/longestHold.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

const limitMs = 240_000;
const mib = 1024 * 1024;
const words = (length: number) => "some words of a long text ".repeat(length / 26);

let server: ServerProcess;
let session: WireSession;
let file: string;
let mostMs: number;

beforeAll(async () => {
  // Ten megabytes are copied and stored several times, which depends on the memory more than on the
  // processor; what is looked for took seconds.
  mostMs = onThisMachine(400, 60);
  file = join(makeFolder(), "held");
  writeFileSync(file, "");
  const watch = new URL("../helpers/watchHold.mjs", import.meta.url).href;
  server = startServer({ nodeArgs: ["--import", watch], env: { HOLD_FILE: file } });
  await server.call("initialize", { clientId: "ada" });
  session = await openSession(server);
  // What is loaded with the first turn is no prompt's fault.
  await run(session.sessionId, "first", "@say one");
}, limitMs);
afterAll(endServers);

async function run(sessionId: string, runId: string, prompt: string): Promise<void> {
  const { workspaceId } = session;
  await server.call("sendMessage", { workspaceId, sessionId, runId, prompt });
  await server.completion(runId);
}

async function newSession(): Promise<string> {
  return (await server.call("createSession", { workspaceId: session.workspaceId })).id;
}

const requests: [string, () => Promise<unknown>][] = [
  ["a prompt of one line of 10 MiB", async () => run(await newSession(), "line", words(10 * mib))],
  [
    "a search that finds messages of 10 MiB",
    () => server.call("searchSessions", { query: "some words" }),
  ],
  [
    "a folder whose path has 10 MiB",
    () => server.fail("createWorkspace", { path: "/a".repeat(5 * mib) }),
  ],
  ["a method whose name has 10 MiB", () => server.fail("x".repeat(10 * mib), {})],
  [
    "a workspace whose id has 60 MiB",
    () => server.fail("getWorkspace", { workspaceId: words(60 * mib) }),
  ],
  [
    "a run whose id has 60 MiB",
    () => server.fail("sendMessage", { ...session.params("hello"), runId: words(60 * mib) }),
  ],
  [
    "a model whose name has 60 MiB",
    () => {
      const model = { provider: "offline", model: words(60 * mib) };
      return server.fail("setModel", { workspaceId: session.workspaceId, size: "large", model });
    },
  ],
  ["a prompt of 60 MiB", () => server.fail("sendMessage", session.params(words(60 * mib)))],
  [
    "a list of messages of 36 MiB",
    async () => {
      const ids = { workspaceId: session.workspaceId, sessionId: await newSession() };
      for (const n of [1, 2, 3, 4]) await run(ids.sessionId, `long ${n}`, words(9 * mib));
      const sizes: number[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = { ...ids, ...defined({ cursor }) };
        const { messages, nextCursor } = await server.call("listMessages", page);
        sizes.push(messages.length);
        cursor = nextCursor;
        if (cursor === undefined) break;
      }
      // Each long prompt is the last of its page; its reply begins the next one.
      expect(sizes).toEqual([1, 2, 2, 2, 1]);
    },
  ],
  [
    "an attachment of 20 MiB",
    async () => {
      const data = Buffer.from(words(20 * mib)).toString("base64");
      const attachments = [{ name: "words.txt", mimeType: "text/plain", data }];
      const ids = { workspaceId: session.workspaceId, sessionId: await newSession() };
      await server.call("sendMessage", { ...ids, runId: "file", prompt: "@say one", attachments });
      await server.completion("file");
    },
  ],
];

/** The longest hold since a time. */
async function heldSince(begun: number): Promise<number> {
  // The watcher looks once more after the last work.
  await server.settle();
  await server.settle();
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const held = lines.map((line) => line.split(" ").map(Number));
  return Math.max(0, ...held.filter(([at = 0]) => at >= begun).map(([, ms = 0]) => ms));
}

test.each(requests)("%s holds nothing up", { timeout: limitMs }, async (_, request) => {
  const begun = Date.now();
  await request();
  expect(await heldSince(begun)).toBeLessThan(mostMs);
});

test("the list of a queue of 40 MB holds nothing up", { timeout: limitMs }, async () => {
  const { workspaceId } = session;
  const sessionId = await newSession();
  await server.call("sendMessage", {
    workspaceId,
    sessionId,
    runId: "busy",
    prompt: "@wait 600000",
  });
  const prompt = words(200_000);
  const queued = Array.from({ length: 200 }, (_, n) =>
    server.call("sendMessage", { workspaceId, sessionId, runId: `queued ${n}`, prompt }),
  );
  await Promise.all(queued);
  const begun = Date.now();
  const { entries } = await server.call("listQueue", { workspaceId, sessionId });
  const texts = await server.call("queuedPromptsList", { workspaceId, sessionId });
  expect(await heldSince(begun)).toBeLessThan(mostMs);
  expect(entries).toHaveLength(200);
  expect(entries[0]).toMatchObject({ prompt });
  expect(entries[0]).not.toHaveProperty("promptTruncated");
  expect(entries.at(-1)).toMatchObject({ prompt: "", promptTruncated: true });
  expect(texts.prompts).toHaveLength(200);
  expect(texts.promptTruncated).toBe(true);
  await server.call("cancelSession", { workspaceId, sessionId });
});
