// The socket of a server that can be looked into, and readers that behave badly.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EntryLog } from "../../src/inspector/entryLog.js";
import { ServedEntries } from "../../src/inspector/servedEntries.js";
import type { CompletionAction } from "../../src/inspector/threadMessages.js";
import { unless } from "../helpers/unless.js";

const action: CompletionAction = {
  what: "redeliver",
  completionId: "cmp_1",
  clientId: "one",
  sequence: 1,
};

unless(
  describe,
  process.platform === "win32",
  "there are no Unix sockets",
)("a server that can be looked into", () => {
  let folder: string;
  let served: ServedEntries;
  const acted: CompletionAction[] = [];
  const sockets: Socket[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "turnwire-served-"));
    served = await ServedEntries.listen(
      { folder: join(folder, "inspect"), pid: 1 },
      new EntryLog(),
      (id, asked) => {
        acted.push(asked);
        served.acted(id, undefined);
      },
    );
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    served.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function connect(): Promise<Socket> {
    const socket = createConnection({ path: join(folder, "inspect", "1.sock") });
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  }

  async function ask(socket: Socket, line: string): Promise<string> {
    socket.write(`${line}\n`);
    const [answer] = await once(socket, "data");
    return String(answer);
  }

  it("answers what is no request, and does nothing", async () => {
    const socket = await connect();
    for (const line of [
      "garbage",
      "null",
      "5",
      '{"id":1}',
      JSON.stringify({ id: 1, action: { ...action, what: "explode" } }),
      JSON.stringify({ id: 1, action: { ...action, completionId: 7 } }),
    ]) {
      expect(await ask(socket, line), line).toContain('"refusal":');
    }
    expect(acted).toEqual([]);
    expect(await ask(socket, JSON.stringify({ id: 2, action }))).toBe('{"kind":"acted","id":2}\n');
    expect(acted).toEqual([action]);
  });

  it("reads no more from whoever asks and does not read, and goes on serving others", async () => {
    acted.length = 0;
    const requests = 40_000;
    const rude = await connect();
    rude.pause();
    const request = `${JSON.stringify({ id: 1, action })}\n`;
    rude.write(request.repeat(requests));
    const polite = await connect();
    // Many more turns than it would take to read all of it.
    for (let turn = 0; turn < 500; turn++) await ask(polite, "x");
    expect(acted.length).toBeGreaterThan(0);
    expect(acted.length).toBeLessThan(requests / 2);
    // Once it reads, it gets every answer.
    let answers = 0;
    rude.on("data", (chunk: Buffer) => {
      answers += chunk.toString("latin1").split("\n").length - 1;
    });
    rude.resume();
    while (answers < requests) await once(rude, "data");
    expect(acted).toHaveLength(requests);
  });
});
