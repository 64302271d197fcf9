import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MemoryClient, MemoryServer, openSession, until } from "../helpers/memoryServer.js";

let server: MemoryServer;
let client: MemoryClient;
let place: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  server = new MemoryServer();
  client = server.connect();
  place = await openSession(server, client);
});

afterEach(async () => {
  for (const engine of server.engines) {
    engine.stopsAtOnce = true;
    for (const turn of engine.turns) turn.stop();
  }
  client.leave();
  await server.close();
});

it("files that are too large together are refused, and the one that is too much is named", async () => {
  const names = ["a", "b", "c", "d"];
  for (const name of names) {
    writeFileSync(join(server.folder, name), "");
    // Sparse: it is as long as a file may be, and takes no room.
    truncateSync(join(server.folder, name), 20 * 1024 * 1024);
  }
  const attachments = names.map((path) => ({ path }));
  const refusal = await client.refused("sendMessage", { ...place, prompt: "look", attachments });
  expect(refusal).toMatchObject({
    code: -32602,
    data: { issues: [{ path: "attachments.3.path" }] },
  });
});

describe("a prompt with a file that is sent again", () => {
  const file = () => join(server.folder, "note.txt");
  const sent = (prompt = "look") => ({ ...place, prompt, attachments: [{ path: "note.txt" }] });
  const duplicate = { runId: "r", state: "running", duplicate: true };

  /** Sends it with the run id `r` and waits for its turn to begin. */
  async function sendFirst(prompt?: string) {
    writeFileSync(file(), "one");
    await client.call("sendMessage", { ...sent(prompt), runId: "r" });
    await until(() => server.engine.live(place.sessionId).length === 1);
  }

  it.each(["look", ""])(
    "is the same prompt whatever became of the file (prompt %j)",
    async (prompt) => {
      await sendFirst(prompt);
      writeFileSync(file(), "two");
      expect(await client.call("sendMessage", { ...sent(prompt), runId: "r" })).toEqual(duplicate);
      rmSync(file());
      expect(await client.call("sendMessage", { ...sent(prompt), runId: "r" })).toEqual(duplicate);
      const [turn] = server.engine.turns;
      const [attachment] = turn?.request.prompt?.attachments ?? [];
      expect(new TextDecoder().decode(attachment?.data)).toBe("one");
    },
  );

  it("with another file is another prompt, and so it is with the file's bytes", async () => {
    await sendFirst();
    for (const attachments of [
      [{ path: "other.txt" }],
      [{ name: "note.txt", mimeType: "text/plain", data: "b25l" }],
      [],
    ]) {
      const again = { ...sent(), attachments, runId: "r" };
      expect((await client.refused("sendMessage", again)).data.name).toBe("RunIdConflict");
    }
  });

  it("under a new run id needs its file", async () => {
    await sendFirst();
    rmSync(file());
    const error = await client.refused("sendMessage", { ...sent(), runId: "new" });
    expect(error.message).toContain("there is no file note.txt");
  });
});
