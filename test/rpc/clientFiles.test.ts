import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
} from "vscode-jsonrpc/node";
import type { EditorFile, EditorFiles } from "../../src/base/editorFiles.js";
import { ClientFiles } from "../../src/rpc/clientFiles.js";
import { ManualClock } from "../helpers/manualClock.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { promisesHaveRun } from "../helpers/virtualScheduler.js";

const run = { workspaceId: "w", sessionId: "s", runId: "r" };
const never = new AbortController().signal;

let clock: ManualClock;
let desk: ClientFiles;
const connections: MessageConnection[] = [];

beforeEach(() => {
  clock = new ManualClock();
  desk = new ClientFiles(clock, recordingLog().log);
});

afterEach(() => {
  for (const connection of connections.splice(0)) connection.dispose();
});

/** A connection of a client whose every file holds `content`; silent without one. */
function client(clientId: string, content?: string, hasFiles = true) {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const connection = createMessageConnection(up, down);
  const other = createMessageConnection(down, up);
  connections.push(connection, other);
  const asked: string[] = [];
  const answer = (method: string, result: () => unknown) => {
    other.onRequest(method, () => {
      asked.push(method);
      return content === undefined ? new Promise(() => {}) : result();
    });
  };
  const self = { asked, writes: (): unknown => ({ version: 2 }), leave: () => {} };
  answer("readFile", () => ({ content, version: 1 }));
  answer("writeFile", () => self.writes());
  connection.listen();
  other.listen();
  self.leave = desk.add({ connection, isOf: (id) => id === clientId, hasFiles });
  return self;
}

async function fileOf(files: EditorFiles, path = "/w/a"): Promise<EditorFile> {
  const answer = await files.read(path, never);
  if (answer.kind !== "file") throw new Error(`no file: ${JSON.stringify(answer)}`);
  return answer.file;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe("which connection is asked", () => {
  it("is the newest of the client that has the capability", async () => {
    client("ada", "old");
    client("ada", "new");
    client("ada", "no editor", false);
    client("ben", "foreign");
    expect((await fileOf(desk.ofRun(run, "ada"))).content).toBe("new");
  });

  it("is none where there is none, and then the disk counts", async () => {
    client("ben", "foreign");
    client("ada", "no editor", false);
    expect(await desk.ofRun(run, "ada").read("/w/a", never)).toEqual({ kind: "noEditor" });
  });

  it("for a write is the one that was read from, also if a newer one came", async () => {
    const old = client("ada", "old");
    const file = await fileOf(desk.ofRun(run, "ada"));
    const newer = client("ada", "new");
    expect(await file.replace("x", never)).toEqual({ kind: "written" });
    expect([old.asked, newer.asked]).toEqual([["readFile", "writeFile"], []]);
  });
});

describe("a client that goes", () => {
  it("leaves the disk to other paths, and never to one that it has answered for", async () => {
    const ada = client("ada", "text");
    const files = desk.ofRun(run, "ada");
    await fileOf(files, "/w/a");
    ada.leave();
    expect([files.hasAnswered("/w/a"), files.hasAnswered("/w/b")]).toEqual([true, false]);
    expect(await files.read("/w/a", never)).toMatchObject({ kind: "failed" });
    expect(await files.read("/w/b", never)).toEqual({ kind: "noEditor" });
    expect(await desk.ofRun(run, "ada").read("/w/a", never)).toEqual({ kind: "noEditor" });
    client("ada", "back");
    expect((await fileOf(files, "/w/a")).content).toBe("back");
  });

  it("during a read makes it fail, though another connection is left", async () => {
    client("ada", "old");
    const silent = client("ada");
    const reading = desk.ofRun(run, "ada").read("/w/a", never);
    await until(() => silent.asked.length > 0);
    silent.leave();
    expect(await reading).toMatchObject({ kind: "failed" });
  });

  it("before a write refuses it, and during one leaves it unknown", async () => {
    const ada = client("ada", "text");
    const file = await fileOf(desk.ofRun(run, "ada"));
    ada.writes = () => new Promise(() => {});
    const writing = file.replace("x", never);
    await until(() => ada.asked.length === 2);
    ada.leave();
    expect(await writing).toMatchObject({ kind: "unknown" });
    expect(await file.replace("x", never)).toMatchObject({ kind: "refused" });
    expect(ada.asked.length).toBe(2);
  });
});

describe("a client that is silent", () => {
  it("has 30 seconds for a read and for a write", async () => {
    const silent = client("ada");
    const reading = desk.ofRun(run, "ada").read("/w/a", never);
    await until(() => silent.asked.length > 0);
    let isOver = false;
    void reading.then(() => {
      isOver = true;
    });
    for (let second = 0; second < 29; second++) clock.advance(1_000);
    await promisesHaveRun();
    expect(isOver).toBe(false);
    for (let second = 0; second < 2; second++) clock.advance(1_000);
    expect(await reading).toMatchObject({ kind: "failed" });
  });

  it("is left at once by a cancel", async () => {
    const silent = client("ada");
    const stop = new AbortController();
    const reading = desk.ofRun(run, "ada").read("/w/a", stop.signal);
    await until(() => silent.asked.length > 0);
    stop.abort(new Error("cancelled"));
    await expect(reading).rejects.toThrow("cancelled");
  });
});

it("a client's FileChanged refuses the write; every other error leaves it unknown", async () => {
  const ada = client("ada", "text");
  const file = await fileOf(desk.ofRun(run, "ada"));
  const codes = [1025, 1, -32601, -32603, 1024];
  const kinds: string[] = [];
  for (const code of codes) {
    ada.writes = () => {
      throw new ResponseError(code, "no");
    };
    kinds.push((await file.replace("x", never)).kind);
  }
  expect(kinds).toEqual(["refused", "unknown", "unknown", "unknown", "unknown"]);
});
