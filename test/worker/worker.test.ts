// When a worker lets go of a message: a queue, a server and a relay that a test decides about.
import type { JsMsg } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { TurnwireRpcError } from "../../src/client/errors.js";
import { Worker, type WorkerOptions } from "../../src/worker/worker.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";

/** A message, and what it was answered. */
class Message {
  readonly answers: string[] = [];
  isCut = false;
  readonly info = { deliveryCount: 1, stream: "PROMPTS", timestampNanos: 0 };
  readonly seq = 1;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  string = () => this.#text;
  ack = () => this.#answer("ack");
  term = () => this.#answer("term");
  nak = (ms?: number) => this.#answer(`nak ${ms}`);
  working = () => this.#answer("working");

  #answer(text: string): void {
    if (this.isCut) throw new Error("closed connection");
    this.answers.push(text);
  }

  /** What it was answered but for signs of life. */
  get ends(): string[] {
    return this.answers.filter((answer) => answer !== "working");
  }
}

let clock: VirtualScheduler;
let messages: Message[];
let cursor: number;
let waits: Deferred<unknown>[];
let asked: { method: string; params: Record<string, unknown> }[];
let refused: string[];
let worker: Worker;
let working: Promise<void>;
let onSend: () => void;
/** The session that `createSession` answers with. */
let session: { messageCount: number; isBusy: boolean; queuedPrompts: number };
let refusing: () => void;
let acknowledging: (ids: readonly string[]) => void;
let wake: () => void;
const log = recordingLog();

beforeEach(() => {
  clock = new VirtualScheduler();
  [messages, waits, asked, refused, cursor] = [[], [], [], [], 0];
  onSend = () => {};
  session = { messageCount: 0, isBusy: false, queuedPrompts: 0 };
  let idle = new Deferred<undefined>();
  wake = () => {
    idle.resolve(undefined);
    idle = new Deferred();
  };
  refusing = () => {};
  acknowledging = () => {};
  const queue = {
    signOfLifeMs: 10_000,
    next: async () => (messages.shift() as unknown as JsMsg | undefined) ?? idle.promise,
  };
  const client = {
    on: () => () => {},
    async acknowledge(ids: readonly string[]) {
      acknowledging(ids);
      return { acknowledged: [...ids], unknown: [] };
    },
    async request(method: string, params: Record<string, unknown>) {
      asked.push({ method, params });
      if (method === "sendMessage") onSend();
      if (method === "createSession") return session;
      if (method !== "waitRun") return {};
      const wait = new Deferred<unknown>();
      waits.push(wait);
      return wait.promise;
    },
  };
  worker = new Worker({
    queue,
    client: client as unknown as WorkerOptions["client"],
    workspaces: new Map([["project", "ws_1"]]),
    permissionMode: "ask",
    maxConcurrent: 1,
    clock,
    log: log.log,
    cursor: () => cursor,
    async refuse(_, { reason }) {
      refusing();
      refused.push(reason);
    },
  });
  afterwards = () => {
    worker.stop();
    wake();
  };
});
let afterwards: () => void;
afterEach(async () => {
  afterwards();
  await promisesHaveRun();
});

/** A message, as text. */
function prompt(more: object = {}): string {
  return JSON.stringify({ runId: "r1", workspace: "project", prompt: "work", ...more });
}

/** A message with a schema that is nested so deep. */
function deep(depth: number): string {
  const schema = `${'{"properties":'.repeat(depth)}{}${"}".repeat(depth)}`;
  return prompt({ options: { outputSchema: "SCHEMA" } }).replace('"SCHEMA"', schema);
}

/** The worker begins with this message. */
async function give(text = prompt()): Promise<Message> {
  const message = new Message(text);
  messages.push(message);
  working = worker.run();
  await clock.settle();
  return message;
}

/** The worker that waits for a message gets this one. */
async function giveOne(text: string, deliveryCount: number): Promise<Message> {
  const message = new Message(text);
  message.info.deliveryCount = deliveryCount;
  messages.push(message);
  wake();
  await clock.settle();
  return message;
}

/** The newest wait is answered. */
async function answer(told: unknown): Promise<void> {
  waits.at(-1)?.resolve(told);
  await clock.settle();
}

describe("a worker", () => {
  it("lets go of a prompt when its completion is carried, however long the run takes", async () => {
    const message = await give();
    for (let hour = 0; hour < 3; hour++) await answer({ timedOut: true });
    expect(waits).toHaveLength(4);
    expect(message.ends).toEqual([]);
    await clock.advance(60_000);
    expect(message.answers.filter((text) => text === "working")).toHaveLength(6);
    await answer({ sequence: 7, completionId: "cmp_1" });
    cursor = 6;
    await clock.advance(1000);
    expect(message.ends).toEqual([]);
    cursor = 7;
    await clock.advance(1000);
    expect(message.ends).toEqual(["ack"]);
    const count = message.answers.length;
    await clock.advance(60_000);
    expect(message.answers).toHaveLength(count);
  });

  it("acknowledges the completion before it lets go of the message, and keeps it where that fails", async () => {
    const message = await give();
    const seen: unknown[] = [];
    acknowledging = (ids) => seen.push([ids, [...message.ends]]);
    cursor = 7;
    await answer({ sequence: 7, completionId: "cmp_1" });
    expect(seen).toEqual([[["cmp_1"], []]]);
    expect(message.ends).toEqual(["ack"]);
    acknowledging = () => {
      throw new Error("the disk is full");
    };
    const next = await giveOne(prompt({ runId: "r2" }), 1);
    await answer({ sequence: 7, completionId: "cmp_2" });
    expect(next.ends).toEqual(["nak 2000"]);
  });

  it("sends the prompt once, whatever it waits for", async () => {
    await give();
    for (let times = 0; times < 3; times++) await answer({ timedOut: true });
    expect(asked.filter(({ method }) => method === "sendMessage")).toHaveLength(1);
    for (const { params } of asked.filter(({ method }) => method === "waitRun")) {
      expect(params.timeoutMs).toBeLessThanOrEqual(3_600_000);
    }
  });

  it("outlives a connection that is closed for good: the run goes on, and the next message comes", async () => {
    const message = await give();
    message.isCut = true;
    await clock.advance(60_000);
    const next = new Message(prompt({ runId: "r2" }));
    messages.push(next);
    cursor = 9;
    await answer({ sequence: 7, completionId: "cmp_1" });
    await clock.advance(2000);
    await answer({ sequence: 8, completionId: "cmp_2" });
    expect([message.answers, next.ends]).toEqual([[], ["ack"]]);
  });

  it("refuses a prompt whose run ended so long ago that nobody knows how", async () => {
    const message = await give();
    waits.at(-1)?.reject(new TurnwireRpcError(1008, "it is not kept", { name: "RunNotFound" }));
    await clock.settle();
    expect(message.ends).toEqual(["term"]);
    expect(refused).toHaveLength(1);
  });

  it.each([
    ["is nested so deep that nobody takes it", `{"x": ${"[".repeat(5000)}${"]".repeat(5000)}}`],
    ["is so deep that it cannot even be read", "[".repeat(3_000_000)],
    ["has a schema that could not be passed on", deep(5000)],
    ["has a prompt that is no text", prompt({ prompt: ["work"] })],
    ["asks for another workspace", prompt({ workspace: "elsewhere" })],
    ["wants more than is allowed", prompt({ options: { permissionMode: "allow" } })],
    ["has no usable name", prompt({ runId: "r".repeat(191) })],
    ["brings an environment", prompt({ env: { PATH: "/tmp" } })],
  ])("refuses a message for good that %s", async (_, text) => {
    const message = await give(text);
    expect(message.ends).toEqual(["term"]);
    expect(refused).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  it("gives back, for longer each time, what it can neither run nor refuse", async () => {
    refusing = () => {
      throw new Error("no stream takes it");
    };
    expect((await give("{")).ends).toEqual(["nak 2000"]);
    expect((await giveOne("{", 3)).ends).toEqual(["nak 8000"]);
    expect((await giveOne("{", 60)).ends).toEqual(["nak 60000"]);
  });

  it("gives back what cannot be run now", async () => {
    onSend = () => {
      throw new TurnwireRpcError(1007, "busy", { name: "SessionBusy", retryable: true });
    };
    const message = await give();
    expect(message.ends).toEqual(["nak 2000"]);
    expect(refused).toEqual([]);
  });

  it.each([
    ["deletes the session that it made for a refused prompt", {}, {}, "InvalidParams", true],
    ["keeps one that the message names", { session: "s" }, {}, "InvalidParams", false],
    ["keeps one in which something was said", {}, { messageCount: 2 }, "RunIdConflict", false],
    ["keeps one in which another run waits", {}, { isBusy: true }, "RunIdConflict", false],
    ["keeps one for a prompt that comes again", {}, {}, "SessionBusy", false],
  ])("%s", async (_, more, found, name, isDeleted) => {
    session = { ...session, ...found };
    onSend = () => {
      throw new TurnwireRpcError(1007, "no", { name });
    };
    await give(prompt(more));
    const deleted = asked.filter(({ method }) => method === "deleteSession");
    const expected = { workspaceId: "ws_1", sessionId: "w-r1" };
    expect(deleted.map(({ params }) => params)).toEqual(isDeleted ? [expected] : []);
  });

  it("takes nothing new at its end, and waits for what runs", async () => {
    const message = await give();
    worker.stop();
    let isOver = false;
    void working.then(() => {
      isOver = true;
    });
    await clock.advance(600_000);
    expect(isOver).toBe(false);
    cursor = 7;
    await answer({ sequence: 7, completionId: "cmp_1" });
    await clock.settle();
    expect([message.ends, isOver]).toEqual([["ack"], true]);
  });
});
