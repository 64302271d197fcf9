// What holds for every frame of a server, whatever is being checked: each fault is put down to the
// requirement that it breaks, and not to the check that happened to run.

import { errorTable } from "../base/errors.js";
import { isRunErrorName } from "../base/runErrors.js";
import { traceNotifications } from "../protocol/connectionNotifications.js";
import { methods, notifications, serverMethods } from "../protocol/registry.js";
import { CompletionWatch } from "./completionWatch.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "./message.js";

/** What a server sends that is looked at wherever it comes. */
export type Watched = "frames" | "results" | "errors" | "events" | "deltas" | "completions";

/** Puts a fault down to a requirement. */
export type Report = (requirementId: string, message: string) => void;

/** Hears what kinds of messages came: what never came was not checked. */
export type Saw = (what: Watched) => void;

const envelopeKeys = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/** Looks at all that one connection gets. */
export class Watch {
  readonly #report: Report;
  readonly #saw: Saw;
  readonly #completions: CompletionWatch;
  /** What comes before a delta, by part; absent where something may have been dropped. */
  readonly #offsets = new Map<string, number>();
  /** Messages of turns that had begun when this connection subscribed: their texts go on from there. */
  readonly #begun = new Set<unknown>();
  #hasDropped = false;

  constructor(report: Report, saw: Saw) {
    this.#report = report;
    this.#saw = saw;
    this.#completions = new CompletionWatch(report);
  }

  /** An object that came as a frame, or in a batch. */
  onMessage(message: unknown, methodOf: (id: unknown) => string | undefined): void {
    this.#saw("frames");
    if (!this.#isEnvelope(message)) return;
    if (typeof message.method === "string") this.#onCall(message, message.method);
    else if (message.error !== undefined) this.#onError(message.error);
    else this.#onResult(message, methodOf(message.id));
  }

  #isEnvelope(message: unknown): message is Members {
    const wrong = envelopeFault(message);
    if (wrong === undefined) {
      const extra = Object.keys(message as object).filter((key) => !envelopeKeys.has(key));
      if (extra.length > 0) this.#report("TW-CONNECTION-002", `a message has ${extra.join(", ")}`);
    } else this.#report("TW-TRANSPORT-001", `${wrong}: ${JSON.stringify(message).slice(0, 200)}`);
    return isMembers(message);
  }

  #onCall(message: Members, method: string): void {
    const known = { ...notifications, ...serverMethods, ...traceNotifications } as Readonly<
      Record<string, { params(): { safeParse(value: unknown): { error?: unknown } } }>
    >;
    const declared = Object.hasOwn(known, method) ? known[method] : undefined;
    const { error } = declared?.params().safeParse(message.params) ?? {};
    if (error instanceof Error) {
      const id = method === "runComplete" ? "TW-SHAPE-003" : "TW-SHAPE-002";
      this.#report(id, `params of ${method}: ${error.message}`);
    }
    const params = membersOf(message, "params");
    if (message.id === undefined) this.#onNotification(method, params);
  }

  #onNotification(method: string, params: Members): void {
    this.#saw(method === "runComplete" ? "completions" : "events");
    if (method === "runComplete") this.#completions.onCompletion(params);
    else this.#completions.onEvent(method, params);
    if (method === "eventsDropped") {
      this.#hasDropped = true;
      this.#offsets.clear();
    }
    if (method === "messageDelta") this.#onDelta(params);
    if (method === "messageUpdated") this.#onUpdated(membersOf(params, "message"));
    const isOfNoWorkspace = method === "eventsDropped" || method.startsWith("$/");
    if (!isOfNoWorkspace && textOf(params, "workspaceId") === "") {
      this.#report("TW-EVENTS-001", `${method} has no workspaceId`);
    }
  }

  /** A message whose call is tried again is told without its parts: their text begins anew. */
  #onUpdated(message: Members): void {
    const parts = Array.isArray(message.parts) ? message.parts.length : 0;
    for (const part of this.#offsets.keys()) {
      const [messageId, partIndex] = JSON.parse(part);
      if (messageId === message.id && partIndex >= parts) this.#offsets.delete(part);
    }
  }

  #onDelta(params: Members): void {
    this.#saw("deltas");
    const { messageId, partIndex, kind, offset } = params;
    const part = JSON.stringify([messageId, partIndex, kind]);
    const expected = this.#offsets.get(part) ?? (this.#mayBegin(messageId) ? offset : 0);
    if (typeof offset !== "number") return;
    if (offset !== expected) {
      this.#report("TW-EVENTS-002", `a delta has offset ${offset}, after ${expected} units`);
    }
    this.#offsets.set(part, offset + textOf(params, "delta").length);
  }

  /** Whether the first delta of a message may begin anywhere. */
  #mayBegin(messageId: unknown): boolean {
    return this.#hasDropped || this.#begun.has(messageId);
  }

  #onError(error: unknown): void {
    this.#saw("errors");
    const data = membersOf(error, "data");
    const name = textOf(data, "name");
    const code = isMembers(error) ? error.code : undefined;
    if (name === "" || typeof data.retryable !== "boolean" || textOf(error, "message") === "") {
      const told = JSON.stringify(error).slice(0, 200);
      this.#report("TW-ERROR-001", `an error without message, name or retryable: ${told}`);
      return;
    }
    const known = Object.hasOwn(errorTable, name)
      ? errorTable[name as keyof typeof errorTable]
      : undefined;
    if (known === undefined) {
      if (!isRunErrorName(name)) this.#report("TW-ERROR-002", `no error has the name ${name}`);
    } else if (known.code !== code) {
      this.#report("TW-ERROR-002", `${name} has code ${String(code)}, not ${known.code}`);
    }
  }

  #onResult(message: Members, method: string | undefined): void {
    if (method === undefined || !Object.hasOwn(methods, method)) return;
    this.#saw("results");
    if (method === "subscribe") {
      for (const each of listOf(membersOf(message, "result"), "messages")) {
        this.#begun.add(textOf(each, "id"));
      }
    }
    const { error } = methods[method as keyof typeof methods].result().safeParse(message.result);
    if (error !== undefined) {
      this.#report("TW-SHAPE-001", `the result of ${method}: ${error.message}`);
    }
  }
}

/** What is wrong with a message as JSON-RPC 2.0 has it. */
function envelopeFault(message: unknown): string | undefined {
  if (!isMembers(message)) return "a message that is no object";
  if (message.jsonrpc !== "2.0") return 'no "jsonrpc": "2.0"';
  const isCall = typeof message.method === "string";
  const answers = ["result", "error"].filter((key) => key in message).length;
  if (isCall && answers > 0) return "a call with a result";
  if (!isCall && answers !== 1) return "neither one result nor one error";
  if (!isCall && !("id" in message)) return "an answer without an id";
  return undefined;
}
