// What a loopback provider answers, said the way a test would say it:
// `reply().text("Hel", "lo").gate(later).toolCall("read", { path: "a" })`.

import { defined } from "../../src/base/defined.js";

/** One step of a reply. */
export type ReplyStep =
  | { readonly kind: "delta"; readonly delta: Readonly<Record<string, unknown>> }
  | { readonly kind: "gate"; readonly gate: Promise<unknown> }
  | { readonly kind: "event"; readonly data: unknown }
  | { readonly kind: "raw"; readonly text: string }
  | { readonly kind: "cut" }
  | { readonly kind: "silence" };

/** The tokens that a reply says it used. */
export interface ReplyUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly [other: string]: unknown;
}

/** An answer that is no stream. */
export interface ErrorReply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Waited for before the error is sent. */
  readonly gate?: Promise<unknown>;
}

/** A streamed answer, built step by step. */
export class Reply {
  readonly steps: ReplyStep[] = [];
  readonly headers: Record<string, string> = {};
  pieceBytes: number | undefined;
  tokens: ReplyUsage | undefined = { prompt_tokens: 10, completion_tokens: 5 };
  finishReason: string | undefined;
  hasFinish = true;
  hasDone = true;
  #toolCalls = 0;

  /** Text, a delta for each argument. */
  text(...chunks: string[]): this {
    return this.#deltas(chunks.map((content) => ({ content })));
  }

  /** Reasoning, as `reasoning_content`. */
  reasoning(...chunks: string[]): this {
    return this.#deltas(chunks.map((text) => ({ reasoning_content: text })));
  }

  /**
   * A tool call; its arguments come in fragments of `fragment` characters. Input that is text goes out
   * as it is, so it need not be JSON.
   */
  toolCall(
    name: string,
    input: unknown,
    { id = `call_${this.#toolCalls}`, fragment = 4 }: { id?: string; fragment?: number } = {},
  ): this {
    const index = this.#toolCalls++;
    const json = typeof input === "string" ? input : JSON.stringify(input);
    const fragments = json.match(new RegExp(`[\\s\\S]{1,${fragment}}`, "g")) ?? [];
    const start = { index, id, type: "function", function: { name, arguments: "" } };
    return this.#deltas([
      { tool_calls: [start] },
      ...fragments.map((part) => ({ tool_calls: [{ index, function: { arguments: part } }] })),
    ]);
  }

  /** Waits before it goes on. */
  gate(gate: Promise<unknown>): this {
    return this.#step({ kind: "gate", gate });
  }

  /** An error in the middle of the stream, the way hosted servers send one. */
  streamError(message: string, code: number | string = 502): this {
    this.hasFinish = false;
    return this.#step({ kind: "event", data: { error: { message, code } } });
  }

  /** Text into the stream as it is. */
  raw(text: string): this {
    return this.#step({ kind: "raw", text });
  }

  /** Breaks the connection here. What was sent just before may be lost: put a gate between. */
  cut(): this {
    return this.#step({ kind: "cut" });
  }

  /** Sends nothing more, and never ends. */
  silence(): this {
    return this.#step({ kind: "silence" });
  }

  /** Ends the stream in good order, but without saying that the reply is complete. */
  withoutFinish(): this {
    this.hasFinish = false;
    this.hasDone = false;
    return this;
  }

  /** Ends the stream with `[DONE]` alone, without a reason. */
  withoutReason(): this {
    this.hasFinish = false;
    return this;
  }

  finish(reason: string): this {
    this.finishReason = reason;
    return this;
  }

  usage(promptTokens: number, completionTokens: number, more: object = {}): this {
    this.tokens = { prompt_tokens: promptTokens, completion_tokens: completionTokens, ...more };
    return this;
  }

  withoutUsage(): this {
    this.tokens = undefined;
    return this;
  }

  /** Sends the bytes in pieces of this length, also inside characters. */
  inPieces(bytes: number): this {
    this.pieceBytes = bytes;
    return this;
  }

  /** The reason to finish, if the test names none. */
  get usualFinish(): string {
    return this.#toolCalls > 0 ? "tool_calls" : "stop";
  }

  #deltas(deltas: readonly Readonly<Record<string, unknown>>[]): this {
    for (const delta of deltas) this.steps.push({ kind: "delta", delta });
    return this;
  }

  #step(step: ReplyStep): this {
    this.steps.push(step);
    return this;
  }
}

/** A new, empty reply; as it is, it ends at once with nothing said. */
export function reply(): Reply {
  return new Reply();
}

/** An HTTP error, with a body like OpenAI's unless `body` gives another. */
export function errorReply(
  status: number,
  message = "no luck",
  more: { headers?: Record<string, string>; body?: string; gate?: Promise<unknown> } = {},
): ErrorReply {
  return {
    status,
    body: more.body ?? JSON.stringify({ error: { message, type: "error", code: null } }),
    headers: { "content-type": "application/json", ...more.headers },
    ...defined({ gate: more.gate }),
  };
}
