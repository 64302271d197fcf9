// Images in the results of tools: shown to models that take images, noted to those that take none.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { errorReply, type LoopbackProvider, reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { pdf } from "../helpers/pdfFile.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));
const note = "cannot be shown: this model takes no images";

async function start(supportsImages = true) {
  const loopback = await startLoopbackServer({
    config: { mcpServers: { docs: { command: process.execPath, args: [script] } } },
  });
  onTestFinished(() => loopback.provider.close());
  const config = JSON.parse(readFileSync(loopback.configFile, "utf8"));
  const [id] = Object.keys(config.providers);
  for (const model of config.providers[id ?? ""].models) model.supportsImages = supportsImages;
  writeFileSync(loopback.configFile, JSON.stringify(config));
  return { ...loopback, session: await openSession(loopback.server) };
}

const shots = (input: object = {}, id = "c1") =>
  reply().toolCall("mcp__docs__pictures", { count: 1, ...input }, { id });

function messagesOf(provider: LoopbackProvider, index: number): string {
  return JSON.stringify(provider.turnRequests.at(index)?.body.messages);
}

function imagesIn(provider: LoopbackProvider, index: number): number {
  return messagesOf(provider, index).split('"type":"image_url"').length - 1;
}

async function partsOf(session: WireSession) {
  return (await session.messages()).flatMap(({ role, parts }) => (role === "tool" ? parts : []));
}

it("are shown, stored, and shown again after a restart", async () => {
  const { server, provider, session, env } = await start();
  provider.enqueue(shots({ count: 2 }), reply().text("seen"));
  expect(await session.run("look", "r-1")).toMatchObject({ status: "succeeded", text: "seen" });
  expect(imagesIn(provider, -1)).toBe(2);
  const attachment = { type: "attachment", mimeType: "image/png", size: 8, toolCallId: "c1" };
  const text = "[image 1: image (image/png, 8 bytes)]\n[image 2: image (image/png, 8 bytes)]";
  expect(await partsOf(session)).toEqual([
    expect.objectContaining({ type: "toolResult", output: text }),
    { ...attachment, name: "image 1" },
    { ...attachment, name: "image 2" },
  ]);
  await server.close();
  const next = startServer({ dataDir: server.dataDir, env });
  await next.call("createWorkspace", { path: session.path, initAgent: true });
  await next.call("sendMessage", { ...session.params("again", "r-2") });
  expect(await next.completion("r-2")).toMatchObject({ status: "succeeded" });
  expect(imagesIn(provider, -1)).toBe(2);
  expect(messagesOf(provider, -1).startsWith(messagesOf(provider, -2).slice(0, -1))).toBe(true);
});

it("are a note for a model that takes none", async () => {
  const { provider, session } = await start(false);
  provider.enqueue(shots(), reply().text("not seen"));
  expect(await session.run("look", "r-1")).toMatchObject({ status: "succeeded" });
  expect(imagesIn(provider, -1)).toBe(0);
  expect(messagesOf(provider, -1)).toContain(note);
});

it("that a provider refuses end neither the turn nor the session", async () => {
  const { provider, session } = await start();
  const refusal = errorReply(400, "Could not process image: invalid image data");
  provider.enqueue(shots(), refusal, reply().text("without it"));
  const completion = await session.run("look", "r-1");
  expect(completion).toMatchObject({ status: "succeeded", text: "without it" });
  expect(completion.warnings).toEqual([expect.stringContaining("the provider refused it")]);
  expect([imagesIn(provider, -2), imagesIn(provider, -1)]).toEqual([1, 0]);
  expect((await partsOf(session)).at(-1)).toMatchObject({ refusedBy: [expect.any(String)] });
  expect(await session.run("again", "r-2")).toMatchObject({ status: "succeeded" });
  expect(imagesIn(provider, -1)).toBe(0);
});

it("are bounded: in one result by number and size, and in a session by what is sent", async () => {
  const { provider, session } = await start();
  provider.enqueue(shots({ count: 12 }), shots({ bytes: 4_000_000 }, "c2"), reply().text("a"));
  await session.run("look", "r-1");
  const outputs = (await partsOf(session)).flatMap((part) =>
    part.type === "toolResult" ? [part.output] : [],
  );
  expect(outputs[0]?.match(/there are too many/g)).toHaveLength(2);
  expect(outputs[1]).toContain("it is too large");
  expect(imagesIn(provider, -1)).toBe(10);
  provider.enqueue(shots({ count: 8 }, "c3"), shots({ count: 4 }, "c4"), reply().text("b"));
  await session.run("look again", "r-2");
  expect([-2, -1].map((index) => imagesIn(provider, index))).toEqual([18, 17]);
  expect(messagesOf(provider, -1)).toContain("tools have shown many others since");
});

it.each([
  [true, 1],
  [false, 0],
])(
  "of the workspace are shown by `read` where the model takes images: %s",
  async (takes, count) => {
    const { provider, session } = await start(takes);
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]);
    writeFileSync(join(session.path, "a.png"), png);
    provider.enqueue(
      reply().toolCall("read", { path: "a.png" }, { id: "c1" }),
      reply().text("end"),
    );
    expect(await session.run("look", "r-1")).toMatchObject({ status: "succeeded" });
    expect(imagesIn(provider, -1)).toBe(count);
    expect(messagesOf(provider, -1)).toContain("The image a.png");
    expect(messagesOf(provider, -1).includes(note)).toBe(!takes);
  },
);

it("and a notebook, a PDF and a search by `read` and `grep`, as the model asks for them", async () => {
  const { provider, session } = await start();
  const cells = [{ cell_type: "code", source: ["answer = 42\n"], outputs: [] }];
  writeFileSync(join(session.path, "a.ipynb"), JSON.stringify({ cells }));
  writeFileSync(join(session.path, "a.pdf"), pdf(["Words of a page"]));
  writeFileSync(join(session.path, "a.py"), "one\nanswer\ntwo\n");
  provider.enqueue(
    reply().toolCall("read", { path: "a.ipynb" }, { id: "c1" }),
    reply().toolCall("grep", { pattern: "answer", type: "py", context: 1 }, { id: "c2" }),
    reply().toolCall("read", { path: "a.pdf" }, { id: "c3" }),
    reply().text("end"),
  );
  expect(await session.run("look", "r-1")).toMatchObject({ status: "succeeded" });
  const told = messagesOf(provider, -1);
  expect(told).toContain("# Cell 1 (code)");
  expect(told).toContain("Words of a page");
  expect(told).toContain("a.py-1- one\\na.py:2: answer\\na.py-3- two");
});
