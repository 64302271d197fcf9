// One client's connection to the server that is checked: raw bytes, frames, requests and answers.
import { randomUUID } from "node:crypto";
import { CheckFailure, demand } from "./checkFailure.js";
import { FrameReader, type Framing, frame } from "./frames.js";
import { isMembers, type Members, membersOf, textOf } from "./message.js";
import type { ServerEnd, ServerPipes } from "./serverPipes.js";
import { Transcript } from "./transcript.js";
import { type Report, type Saw, Watch } from "./watch.js";

/** What a server answers to a question: an answer, or nothing. */
export type Answerer = (question: Members) => { result: unknown } | { error: unknown } | undefined;

interface Waiter {
  readonly isMeant: (message: unknown) => boolean;
  readonly take: (message: unknown) => void;
}

export interface PeerOptions {
  readonly framing: Framing;
  /** How long the server may take for anything. */
  readonly patienceMs: number;
  readonly report: Report;
  readonly saw: Saw;
}

export class Peer {
  readonly clientId = randomUUID();
  readonly transcript = new Transcript();
  readonly pipes: ServerPipes;
  /** All notifications so far, as they came. */
  readonly notices: { readonly method: string; readonly params: Members }[] = [];
  /** The questions that came, by the session that they are about. */
  readonly answerers = new Map<string, Answerer>();
  readonly #framing: Framing;
  readonly #patienceMs: number;
  readonly #watch: Watch;
  readonly #report: Report;
  readonly #waiters = new Set<Waiter>();
  readonly #methods = new Map<unknown, string>();
  readonly #unanswered = new Set<unknown>();
  #rawAllowed = 0;
  #nextId = 1;
  #hasEnded = false;

  constructor(pipes: ServerPipes, { framing, patienceMs, report, saw }: PeerOptions) {
    this.pipes = pipes;
    this.#framing = framing;
    this.#patienceMs = patienceMs;
    this.#report = report;
    this.#watch = new Watch(report, saw);
    const reader = new FrameReader(framing, {
      onText: (text) => this.#onText(text),
      onStray: (what) => this.#fault("TW-TRANSPORT-002", what),
      onWrongLength: (what) => this.#fault("TW-TRANSPORT-003", what),
    });
    pipes.onOutput((bytes) => reader.push(bytes));
    void pipes.ended.then(({ code, signal }) => {
      // A server that was killed may have been cut off within a frame.
      if (signal === null) reader.end();
      this.#hasEnded = true;
      this.transcript.add("---", `the server ended (${signal ?? `exit code ${code}`})`);
    });
  }

  /** Sends a text in the connection's framing. */
  send(text: string): void {
    this.transcript.add("-->", text);
    this.pipes.write(frame(this.#framing, text));
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: string | Buffer): void {
    this.transcript.add("-->", `bytes ${JSON.stringify(bytes.toString().slice(0, 200))}`);
    this.pipes.write(Buffer.from(bytes));
  }

  notify(method: string, params: object): void {
    this.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  /** Sends a request and waits for its answer, whatever it is. */
  async request(method: string, params: unknown = {}): Promise<Members> {
    return this.begin(method, params).answer;
  }

  /** Sends a request; the answer is for whoever waits for it. */
  begin(method: string, params: unknown = {}): { id: number; answer: Promise<Members> } {
    const id = this.#nextId++;
    this.#methods.set(id, method);
    this.#unanswered.add(id);
    const answer = this.waitFor(
      (message) => isMembers(message) && message.id === id && message.method === undefined,
      `the answer to ${method}`,
    );
    // Not every caller waits for it; whoever does is told.
    answer.catch(() => {});
    this.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return { id, answer: answer.then((message) => message as Members) };
  }

  /** The result of a request; fails the check where there is none. */
  async result(method: string, params: unknown = {}): Promise<Members> {
    const answer = await this.request(method, params);
    demand(isMembers(answer.result), `${method} got ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  /** Fails the check unless the request is answered with this error; gives its `data`. */
  async refused(method: string, params: unknown, name: string): Promise<Members> {
    const { error, result } = await this.request(method, params);
    const told = JSON.stringify(error ?? { result }).slice(0, 300);
    const data = membersOf(error, "data");
    demand(data.name === name, `${method} is not refused as ${name}: ${told}`);
    return data;
  }

  /** Sends a text that is no request of {@link begin}, and waits for the next answer. */
  async exchange(text: string | Buffer): Promise<unknown> {
    // A batch may come back in pieces: that is one fault, and not an answer to nothing as well.
    this.#rawAllowed = requestsIn(text);
    const answer = this.waitFor(
      (message) => Array.isArray(message) || (isMembers(message) && message.method === undefined),
      `an answer to ${text.toString().slice(0, 80)}`,
    );
    if (typeof text === "string") this.send(text);
    else this.sendBytes(text);
    return answer;
  }

  /** The next message that is meant; fails the check if none comes in time. */
  waitFor(isMeant: (message: unknown) => boolean, what: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const give = (error: Error) => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(
        () => give(new CheckFailure(`${what} did not come`)),
        this.#patienceMs,
      );
      const waiter: Waiter = {
        isMeant,
        take: (message) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(message);
        },
      };
      this.#waiters.add(waiter);
      void this.pipes.ended.then(() => {
        const words = this.pipes.lastWords.slice(-300);
        give(new CheckFailure(`${what} did not come: the server has ended. ${words}`));
      });
    });
  }

  /** A notification that came or comes; fails the check if none does. */
  async notice(method: string, isMeant: (params: Members) => boolean, what = method) {
    const before = this.notices.find((each) => each.method === method && isMeant(each.params));
    if (before !== undefined) return before.params;
    const message = await this.waitFor(
      (each) =>
        isMembers(each) &&
        each.id === undefined &&
        each.method === method &&
        isMeant(membersOf(each, "params")),
      what,
    );
    return membersOf(message, "params");
  }

  /** The completion of a run of this connection. */
  completion(runId: string): Promise<Members> {
    return this.notice("runComplete", (each) => each.runId === runId, `the completion of ${runId}`);
  }

  /** Kills the server; resolves when it is gone. */
  async kill(): Promise<void> {
    this.pipes.signal("SIGKILL");
    await this.pipes.ended;
  }

  /** Waits for the server's end; fails the check where it lives on. */
  async end(): Promise<ServerEnd> {
    const late = new Promise<undefined>((resolve) => {
      setTimeout(resolve, this.#patienceMs, undefined).unref();
    });
    const ended = await Promise.race([this.pipes.ended, late]);
    demand(
      ended !== undefined,
      `the server has not ended after ${this.#patienceMs / 1000} seconds`,
    );
    return ended;
  }

  /** Ends the server in whatever way it takes. */
  async close(): Promise<void> {
    if (this.#hasEnded) return;
    this.pipes.resume();
    this.pipes.endInput();
    const timer = setTimeout(() => this.pipes.signal("SIGKILL"), 3000);
    await this.pipes.ended;
    clearTimeout(timer);
  }

  #fault(requirementId: string, what: string): void {
    this.transcript.add("<--", what);
    this.#report(requirementId, what);
  }

  #onText(text: string): void {
    this.transcript.add("<--", text);
    const message: unknown = JSON.parse(text);
    for (const each of Array.isArray(message) ? message : [message]) {
      this.#watch.onMessage(each, (id) => this.#methods.get(id));
    }
    const waiters = [...this.#waiters].filter(({ isMeant }) => isMeant(message));
    this.#account(message);
    for (const { take } of waiters) take(message);
  }

  /** Finds out what a message is: a question, a notification, or the answer to a request. */
  #account(message: unknown): void {
    if (!isMembers(message)) {
      if (Array.isArray(message)) this.#rawAllowed = 0;
      return;
    }
    const { id, method } = message;
    if (typeof method === "string") {
      const params = membersOf(message, "params");
      if (id === undefined) this.notices.push({ method, params });
      else this.#answer(id, params);
    } else if (!this.#unanswered.delete(id)) {
      if (this.#rawAllowed > 0) this.#rawAllowed--;
      else this.#report("TW-TRANSPORT-009", `an answer to nothing: ${JSON.stringify(message)}`);
    }
  }

  #answer(id: unknown, question: Members): void {
    const answerer = this.answerers.get(textOf(question, "sessionId"));
    const answer = answerer === undefined ? { result: { decision: "deny" } } : answerer(question);
    if (answer !== undefined) this.send(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  }
}

/** How many answers a text may get. */
function requestsIn(text: string | Buffer): number {
  try {
    const message: unknown = JSON.parse(text.toString());
    return Array.isArray(message) ? Math.max(1, message.length) : 1;
  } catch {
    return 1;
  }
}
