// Contract section 5: what a completion tells a person beside its outcome.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorReply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

const png = Buffer.from("iVBORw0KGgo=", "base64");
const secret = "sk-very-secret-key";

let loopback: LoopbackServer;
beforeAll(async () => {
  loopback = await startLoopbackServer({
    env: { LOOP_KEY: secret },
  });
  const { provider, configFile } = loopback;
  const models = [
    { id: "blind", contextWindow: 128_000 },
    { id: "seeing", contextWindow: 128_000, supportsImages: true },
    { id: "other", contextWindow: 128_000, supportsImages: true },
  ];
  const unused = {
    type: "openai-compatible",
    baseUrl: "http://127.0.0.1:9/v1",
    apiKey: "$NOT_SET",
  };
  writeFileSync(
    configFile,
    JSON.stringify({
      providers: {
        loopback: {
          type: "openai-compatible",
          baseUrl: provider.baseUrl,
          apiKey: "$LOOP_KEY",
          models,
        },
        unused,
      },
      models: { large: { provider: "loopback", model: "blind" } },
    }),
  );
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

const image = (name: string, data: Uint8Array = png, mimeType = "image/png") => ({
  name,
  mimeType,
  data: Buffer.from(data).toString("base64"),
});

async function run(session: WireSession, runId: string, ...attachments: object[]) {
  const params = { ...session.params(`prompt of ${runId}`, runId), attachments };
  await session.server.call("sendMessage", params as never);
  return session.server.completion(runId);
}

const choose = ({ workspaceId, server }: WireSession, model: string) =>
  server.call("setModel", {
    workspaceId,
    modelType: "large" as const,
    model: { provider: "loopback", model },
  });

/** How many images a request to the provider had. */
function imagesIn(index: number): number {
  const request = loopback.provider.turnRequests.at(index);
  return JSON.stringify(request?.body.messages).split('"type":"image_url"').length - 1;
}

describe("an attached file that the model is not shown", () => {
  it("is told in the completion, in `getRun` and after a restart, and only in its own turn", async () => {
    const session = await openSession(loopback.server);
    const { server, workspaceId } = session;
    const first = await run(
      session,
      "blind-1",
      image("a.png"),
      image("b.zip", Buffer.from([0, 1, 255]), "application/zip"),
    );
    const warnings = [
      'The attached file "a.png" was not shown to the model: this model takes no images.',
      'The attached file "b.zip" was not shown to the model: it is neither text nor an image.',
    ];
    expect(first).toMatchObject({ status: "succeeded", warnings });
    expect(await run(session, "blind-2")).not.toHaveProperty("warnings");
    const run1 = await server.call("getRun", { workspaceId, runId: "blind-1" });
    expect(run1.completion?.warnings).toEqual(warnings);
  });

  it("is one of 20 warnings at most, each of them bounded", async () => {
    const session = await openSession(loopback.server);
    const many = Array.from({ length: 60 }, (_, index) => image(`${index}-${"n".repeat(300)}.png`));
    const { warnings = [] } = await run(session, "many", ...many);
    expect(warnings).toHaveLength(20);
    expect(Math.max(...warnings.map(({ length }) => length))).toBeLessThanOrEqual(1000);
    expect(warnings.at(-1)).toBe("41 more are left out here.");
  });
});

describe("an image that the provider refuses", () => {
  it("is told, and later turns of the session try it no more, also behind a restart", async () => {
    const dataDir = makeFolder();
    const { env } = loopback;
    const server = startServer({ dataDir, env: { ...env, LOOP_KEY: secret } });
    const session = await openSession(server);
    await choose(session, "seeing");
    expect(await run(session, "good", image("good.png"))).not.toHaveProperty("warnings");
    const refusal = `could not process image (${secret})`;
    loopback.provider.enqueue(errorReply(400, refusal));
    const refused = await run(session, "refused", image("bad.png"));
    expect(refused.status).toBe("succeeded");
    expect(refused.warnings).toEqual([
      expect.stringMatching(
        /^The attached file "bad\.png" .+ refused it .+could not process image/,
      ),
    ]);
    expect(JSON.stringify(refused)).not.toContain(secret);
    // What earlier turns were answered for stays.
    expect(imagesIn(-1)).toBe(1);
    await server.close();
    const next = startServer({ dataDir, env: { ...env, LOOP_KEY: secret } });
    const { workspaceId, path } = await openSession(next, { path: session.path });
    const same = new WireSession(next, workspaceId, session.sessionId, path);
    await choose(same, "seeing");
    const before = loopback.provider.turnRequests.length;
    expect(await run(same, "later")).toMatchObject({ status: "succeeded" });
    expect(loopback.provider.turnRequests).toHaveLength(before + 1);
    expect(imagesIn(-1)).toBe(1);
    // Another model may take it.
    await choose(same, "other");
    await run(same, "other");
    expect(imagesIn(-1)).toBe(2);
  });

  it("together with all before it, where that is what is refused", async () => {
    const session = await openSession(loopback.server);
    await choose(session, "seeing");
    await run(session, "old", image("old.png"));
    const refusal = errorReply(400, "this model takes no image");
    loopback.provider.enqueue(refusal, refusal);
    const { warnings = [] } = await run(session, "new", image("new.png"));
    expect(warnings.map((warning) => warning.slice(0, 30))).toEqual([
      'The attached file "new.png" wa',
      'The attached file "old.png" wa',
    ]);
    expect(imagesIn(-1)).toBe(0);
  });
});

describe("an image that is none", () => {
  it.each([
    ["of another kind", image("a.png", Buffer.from([0xff, 0xd8, 0xff, 0xe0]))],
    ["of words", image("a.gif", Buffer.from("words"), "image/gif")],
    ["that is empty", image("a.png", new Uint8Array())],
  ])("%s is refused with -32602, and leaves no trace of its runId", async (what, attachment) => {
    const session = await openSession(loopback.server);
    const params = { ...session.params("look", `none ${what}`), attachments: [attachment] };
    const answer = await session.server.ask("sendMessage", params);
    expect(answer).toMatchObject({
      error: { code: -32602, message: expect.stringContaining("attachments.0") },
    });
    expect(await run(session, `none ${what}`)).toMatchObject({ status: "succeeded" });
  });
});

it("settings that were left out are told where the turn has to do with them", async () => {
  const path = makeFolder();
  writeFileSync(join(path, "turnwire.json"), JSON.stringify({ permissions: { mode: "allow" } }));
  writeFileSync(join(path, "AGENTS.md"), Buffer.from([1, 2, 0, 3]));
  const session = await openSession(loopback.server, { path });
  const { warnings } = await run(session, "settings");
  expect(warnings).toEqual([
    "turnwire.json: permissions.mode is ignored: the workspace is not trusted",
    "AGENTS.md is left out: it is neither UTF-8 nor UTF-16 with a byte order mark.",
  ]);
});
