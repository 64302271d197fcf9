// Local servers without a reasoning parser send a model's thoughts in its text, between `<think>`
// and `</think>` or tags like these. At the beginning of a reply they become reasoning; later in a
// reply they are text.
import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";

const tags: readonly (readonly [open: string, close: string])[] = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
];
const id = "think";

/** A transformation of a model's stream. The stream may be cut at any position. */
export function thinkTags(): TransformStream<LanguageModelV3StreamPart, LanguageModelV3StreamPart> {
  const reader = new ThinkTags();
  return new TransformStream({
    transform(part, controller) {
      for (const one of reader.next(part)) controller.enqueue(one);
    },
  });
}

type State = "before" | "thinking" | "after";

class ThinkTags {
  #state: State = "before";
  /** Held text that may be a part of a tag, or the blank before one. */
  #held = "";
  #hasThought = false;
  #close = "";
  /** The start event of the text, while it is not known whether there is any text. */
  #start: LanguageModelV3StreamPart | undefined;
  #textId = "";

  *next(part: LanguageModelV3StreamPart): Generator<LanguageModelV3StreamPart> {
    if (this.#state === "after") {
      yield* this.#pass(part);
    } else if (part.type === "text-start") {
      this.#start ??= part;
      this.#textId = part.id;
    } else if (part.type === "text-delta") {
      yield* this.#read(this.#held + part.delta);
    } else if (part.type === "text-end") {
      // The text may go on in another block. Only a part that is no text shows that it does not.
      if (this.#state === "before" && this.#held.trim() !== "") yield* this.#say(this.#held);
      if (this.#hasSaid()) yield part;
    } else if (part.type === "reasoning-start" || part.type === "reasoning-delta") {
      // The server has a parser, so what looks like a tag is text.
      yield* this.#settle();
      this.#state = "after";
      yield part;
    } else if (part.type === "tool-input-start" || part.type === "tool-call") {
      yield* this.#settle();
      this.#state = "after";
      yield part;
    } else {
      if (part.type === "finish" || part.type === "error") yield* this.#settle();
      yield part;
    }
  }

  #hasSaid(): boolean {
    return this.#state === "after";
  }

  *#read(text: string): Generator<LanguageModelV3StreamPart> {
    this.#held = "";
    if (this.#state === "thinking") return yield* this.#think(text);
    const said = text.trimStart();
    const tag = tags.find(([open]) => said.startsWith(open));
    if (tag !== undefined) {
      const [open, close] = tag;
      this.#state = "thinking";
      this.#close = close;
      yield { type: "reasoning-start", id };
      return yield* this.#think(said.slice(open.length));
    }
    if (tags.some(([open]) => open.startsWith(said))) this.#held = text;
    else yield* this.#say(this.#hasThought ? said : text);
  }

  *#think(text: string): Generator<LanguageModelV3StreamPart> {
    const close = this.#close;
    const end = text.indexOf(close);
    const kept = end < 0 ? overlap(text, close) : 0;
    const thought = text.slice(0, end < 0 ? text.length - kept : end);
    if (thought !== "") yield { type: "reasoning-delta", id, delta: thought };
    if (end < 0) {
      this.#held = text.slice(text.length - kept);
      return;
    }
    yield { type: "reasoning-end", id };
    this.#state = "before";
    this.#hasThought = true;
    yield* this.#read(text.slice(end + close.length));
  }

  /** From here on everything is text. */
  *#say(text: string): Generator<LanguageModelV3StreamPart> {
    this.#state = "after";
    this.#held = "";
    if (this.#start !== undefined) yield this.#start;
    this.#start = undefined;
    yield { type: "text-delta", id: this.#textId, delta: text };
  }

  /** Releases the held text when nothing more can decide what it is. */
  *#settle(): Generator<LanguageModelV3StreamPart> {
    const held = this.#held;
    this.#held = "";
    if (this.#state === "thinking") {
      if (held !== "") yield { type: "reasoning-delta", id, delta: held };
      yield { type: "reasoning-end", id };
      this.#state = "before";
      this.#hasThought = true;
    } else if (this.#state === "before" && held.trim() !== "") {
      yield* this.#say(held);
      yield { type: "text-end", id: this.#textId };
    }
  }

  /** Begins a text that was held until now. */
  *#pass(part: LanguageModelV3StreamPart): Generator<LanguageModelV3StreamPart> {
    const start = this.#start;
    if (start !== undefined && "id" in part && part.id === this.#textId) {
      this.#start = undefined;
      if (part.type === "text-end") return;
      if (part.type === "text-delta") yield start;
    }
    yield part;
  }
}

/** How many characters at the end of a text may be the beginning of a tag. */
function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (tag.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
