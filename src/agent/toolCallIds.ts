// The ids of the tool calls that a model has seen: no two calls may share one.
import type { Part } from "../protocol/objects/message.js";

interface Message {
  readonly parts: readonly Part[];
}

/** The ids of a turn's conversation. Those of a long history are collected when the first call comes. */
export class ToolCallIds {
  readonly #history: readonly Message[];
  readonly #begun: readonly string[];
  #ids: Set<string> | undefined;

  /** @param begun the messages of a turn that is gone on with. */
  constructor(history: readonly Message[], begun: readonly Message[] = []) {
    this.#history = history;
    this.#begun = [...idsIn(begun)];
  }

  /** Whether a call has this id. */
  has(id: string): boolean {
    return this.#all.has(id);
  }

  /** A call gets this id. */
  add(id: string): void {
    this.#all.add(id);
  }

  /** The call of this id is given up. */
  delete(id: string): void {
    this.#all.delete(id);
  }

  get #all(): Set<string> {
    this.#ids ??= new Set([...idsIn(this.#history), ...this.#begun]);
    return this.#ids;
  }
}

function* idsIn(messages: readonly Message[]): Generator<string> {
  for (const { parts } of messages) {
    for (const part of parts) if (part.type === "toolCall") yield part.toolCallId;
  }
}
