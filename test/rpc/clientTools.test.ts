import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessageConnection, type MessageConnection } from "vscode-jsonrpc/node";
import type { ToolCallAnswer } from "../../src/protocol/registry.js";
import { ClientTools } from "../../src/rpc/clientTools.js";
import { ManualClock } from "../helpers/manualClock.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { promisesHaveRun } from "../helpers/virtualScheduler.js";

const tool = (name: string, description = name) => ({ name, description, inputSchema: {} });
const call = { workspaceId: "w", sessionId: "s", toolCallId: "t", name: "find", input: {} };
const never = new AbortController().signal;

let clock: ManualClock;
let desk: ClientTools;
const connections: MessageConnection[] = [];

beforeEach(() => {
  clock = new ManualClock();
  desk = new ClientTools(clock, recordingLog().log);
});

afterEach(() => {
  for (const connection of connections.splice(0)) connection.dispose();
});

/** A connection of a client that answers every call with `output`, or never. */
function client(clientId: string, output?: string) {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const connection = createMessageConnection(up, down);
  const other = createMessageConnection(down, up);
  connections.push(connection, other);
  const calls: unknown[] = [];
  other.onRequest("callTool", (params: unknown) => {
    calls.push(params);
    return output === undefined ? new Promise(() => {}) : { output };
  });
  connection.listen();
  other.listen();
  const own = desk.add({ connection, isOf: (id) => id === clientId });
  return { ...own, calls };
}

/** Resolves once a call has reached the client. */
async function reached({ calls }: { calls: readonly unknown[] }): Promise<void> {
  while (calls.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe("the offered tools", () => {
  it("are those of the client's own connections, of a name the newest's", () => {
    client("ada").set([tool("find", "old"), tool("other")]);
    client("ada").set([tool("find", "new")]);
    client("ben").set([tool("foreign")]);
    expect(desk.offered("ada").tools.map(({ description }) => description)).toEqual([
      "new",
      "other",
    ]);
    expect(desk.offered("eve").tools).toEqual([]);
  });

  it("stay as they were when the turn began", () => {
    const ada = client("ada");
    ada.set([tool("find")]);
    const offered = desk.offered("ada");
    ada.set([]);
    expect(offered.tools).toHaveLength(1);
    expect(desk.offered("ada").tools).toEqual([]);
  });
});

describe("a call", () => {
  it("goes to the newest connection that has the tool", async () => {
    client("ada", "old").set([tool("find")]);
    const offered = desk.offered("ada");
    client("ada", "new").set([tool("find")]);
    client("ada", "without").set([tool("other")]);
    expect(await offered.call(call, 1_000, never)).toEqual({ output: "new" });
  });

  it("goes to who had the tool at the beginning, if nobody says so any more", async () => {
    const ada = client("ada", "kept");
    ada.set([tool("find")]);
    const offered = desk.offered("ada");
    ada.set([]);
    expect(await offered.call(call, 1_000, never)).toEqual({ output: "kept" });
  });

  it("waits ten seconds for a client that has gone", async () => {
    const ada = client("ada");
    ada.set([tool("find")]);
    const offered = desk.offered("ada");
    ada.remove();
    const first = offered.call(call, 1_000, never);
    await promisesHaveRun();
    clock.advance(9_999);
    client("ben", "foreign").set([tool("find")]);
    client("ada", "back").set([tool("find")]);
    expect(await first).toEqual({ output: "back" });
  });

  it("fails after these ten seconds, and was not run", async () => {
    const ada = client("ada");
    ada.set([tool("find")]);
    const offered = desk.offered("ada");
    ada.remove();
    const first = offered.call(call, 1_000, never);
    await promisesHaveRun();
    clock.advance(10_000);
    expect(await first).toMatchObject({
      isError: true,
      output: expect.stringContaining("The tool was not run"),
    });
  });

  it("is not sent again when the client goes while it runs, also if it comes back", async () => {
    const ada = client("ada");
    ada.set([tool("find")]);
    const running = desk.offered("ada").call(call, 1_000, never);
    await reached(ada);
    const back = client("ada", "again");
    back.set([tool("find")]);
    ada.remove();
    expect(await running).toMatchObject({
      isError: true,
      output: expect.stringContaining("not called again"),
    });
    expect(back.calls).toEqual([]);
  });

  it("is given up when the client is silent", async () => {
    const ada = client("ada");
    ada.set([tool("find")]);
    const running = desk.offered("ada").call(call, 600_000, never);
    await reached(ada);
    clock.advance(600_000);
    expect(await running).toMatchObject({
      isError: true,
      output: expect.stringContaining("within 600 seconds"),
    });
  });

  it.each(["waits for its client", "runs"])(
    "rejects at once when it is aborted while it %s",
    async (when) => {
      const ada = client("ada");
      ada.set([tool("find")]);
      const offered = desk.offered("ada");
      const cancel = new AbortController();
      if (when !== "runs") ada.remove();
      const running: Promise<ToolCallAnswer> = offered.call(call, 1_000, cancel.signal);
      const refused = expect(running).rejects.toThrow("stop");
      if (when === "runs") await reached(ada);
      cancel.abort(new Error("stop"));
      await refused;
    },
  );
});
