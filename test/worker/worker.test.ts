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
const log = recordingLog();

beforeEach(() => {
  clock = new VirtualScheduler();
  [messages, waits, asked, refused, cursor] = [[], [], [], [], 0];
  onSend = () => {};
  const idle = new Deferred<undefined>();
  const queue = {
    signOfLifeMs: 10_000,
    next: async () => (messages.shift() as unknown as JsMsg | undefined) ?? idle.promise,
  };
  const client = {
    on: () => () => {},
    acknowledge: async () => ({ acknowledged: [], unknown: [] }),
    async request(method: string, params: Record<string, unknown>) {
      asked.push({ method, params });
      if (method === "sendMessage") onSend();
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
      refused.push(reason);
    },
  });
  afterwards = () => {
    worker.stop();
    idle.resolve(undefined);
  };
});
let afterwards: () => void;
afterEach(async () => {
  afterwards();
  await promisesHaveRun();
});

async function give(runId = "r1"): Promise<Message> {
  const message = new Message(JSON.stringify({ runId, workspace: "project", prompt: "work" }));
  messages.push(message);
  working = worker.run();
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
    const next = new Message(JSON.stringify({ runId: "r2", workspace: "project", prompt: "more" }));
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

  it("gives back what cannot be run now", async () => {
    onSend = () => {
      throw new TurnwireRpcError(1007, "busy", { name: "SessionBusy", retryable: true });
    };
    const message = await give();
    expect(message.ends).toEqual(["nak 2000"]);
    expect(refused).toEqual([]);
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
