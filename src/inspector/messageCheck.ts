/**
 * Says why a message is not valid: by JSON-RPC itself, by protocol.md where Turnwire is spoken, and
 * by the Agent Client Protocol where that is.
 */
import { classify, type JsonRpcId } from "../transport/classify.js";
import type { Side } from "./entries.js";
import type { MessageSchemas, SpokenProtocol } from "./messageSchemas.js";

/** A side may leave so many requests unanswered before the oldest is forgotten. */
const mostOpen = 10_000;

/** Watches the messages of one pipe, in both directions. */
export class MessageCheck {
  readonly #schemas: Promise<MessageSchemas> | undefined;
  /** The methods of open requests, by who has sent them and by id. */
  readonly #open = new Map<string, string>();
  #loaded: MessageSchemas | undefined;
  #spoken: SpokenProtocol | undefined;

  /** @param schemas loads what the protocols say; without it only JSON-RPC is checked. */
  constructor(schemas?: Promise<MessageSchemas>) {
    this.#schemas = schemas;
    // Whoever has started the load hears of its failure.
    this.#schemas?.then(
      (loaded) => {
        this.#loaded = loaded;
      },
      () => {},
    );
  }

  /** Why the message is not valid; undefined where it is. */
  check(from: Side, message: unknown): string | undefined {
    const found = classify(message, (id) => this.#open.has(keyOf(other(from), id)));
    switch (found.kind) {
      case "invalid":
      case "badResponse":
        return `JSON-RPC: ${found.reason}`;
      case "request":
        this.#ask(from, found.id, found.method);
        this.#spoken ??= this.#loaded?.spokenBy(found.method, found.params);
        return this.#params(from, found.method, found.params, true);
      case "notification":
        return this.#params(from, found.method, found.params, false);
      case "response":
        return this.#response(from, found.id, found.outcome);
    }
  }

  #ask(from: Side, id: JsonRpcId, method: string): void {
    const [oldest] = this.#open.keys();
    if (this.#open.size >= mostOpen && oldest !== undefined) this.#open.delete(oldest);
    this.#open.set(keyOf(from, id), method);
  }

  #params(from: Side, method: string, params: unknown, isRequest: boolean): string | undefined {
    if (this.#spoken === undefined) return undefined;
    return this.#loaded?.params({ spoken: this.#spoken, from, method, params, isRequest });
  }

  #response(from: Side, id: JsonRpcId, outcome: object): string | undefined {
    const key = keyOf(other(from), id);
    const method = this.#open.get(key);
    this.#open.delete(key);
    if (method === undefined) {
      return "error" in outcome && id === null
        ? undefined
        : "JSON-RPC: an answer to no open request of this recording";
    }
    if (!("result" in outcome) || this.#spoken === undefined) return undefined;
    return this.#loaded?.result({ spoken: this.#spoken, from, method, result: outcome.result });
  }
}

function other(side: Side): Side {
  return side === "client" ? "server" : "client";
}

function keyOf(side: Side, id: JsonRpcId): string {
  return `${side} ${JSON.stringify(id)}`;
}
