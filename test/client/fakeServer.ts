/**
 * The server's side of the protocol in memory, with everything that a test must decide left to the
 * test: runs do not end by themselves, and it dies when it is told to. What it "has on disk"
 * survives its death.
 */

import { PassThrough } from "node:stream";
import { Deferred } from "../../src/base/deferred.js";
import { defined } from "../../src/base/defined.js";
import type { Streams } from "../../src/client/link.js";
import { completion, readyAgent, session, workspace } from "../../src/protocol/objects/examples.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";

export interface FakeRequest {
  readonly id?: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

type Handler = (request: FakeRequest) => object | Promise<object>;

/** An answer that is an error. */
export class FakeError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: object,
  ) {
    super(message);
  }
}

export class FakeServer {
  /** All that was received, over every connection. */
  readonly received: FakeRequest[] = [];
  /** Completions that are "on disk" and not acknowledged. */
  readonly pending = new Map<string, RunComplete>();
  readonly acknowledged: string[] = [];
  /** Runs that were accepted, over every connection. */
  readonly runs = new Map<string, "accepted" | "completed">();
  readonly handlers: Record<string, Handler> = {};
  connections = 0;
  #waiting: { method: string; count: number; arrived: Deferred<FakeRequest> }[] = [];
  #answers = new Map<number, Deferred<unknown>>();
  #input = new PassThrough();
  #output = new PassThrough();
  #nextId = 1;

  /** Opens streams for a client, as starting a server would. */
  readonly connect = (): Streams => {
    this.connections++;
    const input = new PassThrough();
    const output = new PassThrough();
    this.#input = input;
    this.#output = output;
    let text = "";
    input.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#receive(JSON.parse(line), output);
    });
    input.on("end", () => output.end());
    return { input: output, output: input };
  };

  /** Ends the connection without a word. */
  die(): void {
    this.#input.removeAllListeners("data").resume();
    this.#output.end();
  }

  notify(method: string, params: object): void {
    this.#write({ method, params }, this.#output);
  }

  /** Sends a request and resolves with the client's answer. */
  ask(method: string, params: object): { id: number; answer: Promise<unknown> } {
    const id = this.#nextId++;
    const answer = new Deferred<unknown>();
    this.#answers.set(id, answer);
    this.#write({ id, method, params }, this.#output);
    return { id, answer: answer.promise };
  }

  /** Commits a completion and delivers it. */
  complete(runId: string, changes: Partial<RunComplete> = {}): RunComplete {
    const record = { ...completion, completionId: `cmp-${runId}`, runId, ...changes };
    this.runs.set(runId, "completed");
    this.pending.set(record.completionId, record);
    this.notify("runComplete", record);
    return record;
  }

  /** The request of this method that is the `count`th to arrive; at once if it has arrived. */
  arrival(method: string, count = 1): Promise<FakeRequest> {
    const arrived = new Deferred<FakeRequest>();
    this.#waiting.push({ method, count, arrived });
    this.#tellWaiting();
    return arrived.promise;
  }

  requests(method: string): FakeRequest[] {
    return this.received.filter((request) => request.method === method);
  }

  async #receive(message: FakeRequest & { result?: unknown }, output: PassThrough): Promise<void> {
    if (message.method === undefined) {
      this.#answers.get(message.id ?? -1)?.resolve(message.result);
      return;
    }
    this.received.push(message);
    this.#tellWaiting();
    if (message.id === undefined) {
      if (message.method === "exit") output.end();
      return;
    }
    try {
      const answer = this.handlers[message.method] ?? defaultHandlers[message.method];
      if (answer === undefined) throw new FakeError(-32601, "no such method", {});
      this.#write({ id: message.id, result: await answer.call(this, message) }, output);
      if (message.method === "initialize") this.#redeliver(output);
    } catch (error) {
      if (!(error instanceof FakeError)) throw error;
      const { code, data } = error;
      this.#write({ id: message.id, error: { code, message: error.message, data } }, output);
    }
  }

  #redeliver(output: PassThrough): void {
    for (const [id, record] of this.pending) {
      const again = { ...record, attempt: record.attempt + 1 };
      this.pending.set(id, again);
      this.#write({ method: "runComplete", params: again }, output);
    }
  }

  #tellWaiting(): void {
    this.#waiting = this.#waiting.filter(({ method, count, arrived }) => {
      const request = this.requests(method)[count - 1];
      if (request !== undefined) arrived.resolve(request);
      return request === undefined;
    });
  }

  #write(message: object, output: PassThrough): void {
    if (output.writable) output.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }
}

const defaultHandlers: Record<string, (this: FakeServer, request: FakeRequest) => object> = {
  initialize({ params }) {
    return {
      protocolVersion: 1,
      serverInfo: { name: "fake", version: "1" },
      clientId: params.clientId,
      pendingCompletions: this.pending.size,
      capabilities: { methods: [], notifications: [], maxMessageBytes: 100_000 },
    };
  },
  ping: () => ({}),
  shutdown: () => ({}),
  createWorkspace: ({ params }) => ({ ...workspace, id: `ws-${params.path}`, agent: readyAgent }),
  initAgent: () => readyAgent,
  setModel: () => readyAgent,
  setPermissionMode: () => ({}),
  createSession: () => session,
  cancelRun: () => ({ outcome: "stopping" }),
  listPendingCompletions() {
    return { completions: [...this.pending.values()] };
  },
  sendMessage({ params }) {
    const runId = String(params.runId);
    const state = this.runs.get(runId);
    if (state !== undefined) return { runId, state, duplicate: true };
    this.runs.set(runId, "accepted");
    return { runId, state: "accepted" };
  },
  getRun({ params }) {
    const runId = String(params.runId);
    const state = this.runs.get(runId) ?? "accepted";
    const record = [...this.pending.values()].find((pending) => pending.runId === runId);
    return {
      runId,
      sessionId: "s",
      state,
      ...defined({ completion: record }),
    };
  },
  acknowledge({ params }) {
    const ids = Array.isArray(params.completionIds) ? params.completionIds.map(String) : [];
    for (const id of ids) this.pending.delete(id);
    this.acknowledged.push(...ids);
    return { acknowledged: ids, unknown: [] };
  },
};
