// Local servers without a reasoning parser send a model's thoughts in its text, between `<think>`
// and `</think>` or tags like these. At the beginning of a reply they become reasoning; later in a
// reply they are text. Some templates write the opening tag themselves, so that a reply has the closing
// tag alone: what was told as text until then is declared a thought.
import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { LoneClosing, overlap } from "./loneClosing.js";
import { thoughtEnd } from "./thoughtMark.js";

const tags: readonly (readonly [open: string, close: string])[] = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
];
const id = "think";

type State = "before" | "thinking" | "after";

/** Reads the parts of one reply. Its stream may be cut at any position. */
export class ThinkTags {
  #state: State = "before";
  /** Held text that may be a part of a tag, or the blank before one. */
  #held = "";
  #hasThought = false;
  #close = "";
  /** The start event of the text, while it is not known whether there is any text. */
  #start: LanguageModelV3StreamPart | undefined;
  #textId = "";
  /** Looks for a closing tag without an opening one, while the first text of the reply lasts. */
  #lone: LoneClosing | undefined;

  /** The parts to pass on now, instead of this one. */
  *next(part: LanguageModelV3StreamPart): Generator<LanguageModelV3StreamPart> {
    if (this.#state === "after") {
      yield* this.#later(part);
    } else if (part.type === "text-start") {
      this.#start ??= part;
      this.#textId = part.id;
    } else if (part.type === "text-delta") {
      yield* this.#read(this.#held + part.delta);
    } else if (part.type === "text-end") {
      // The text may go on in another block. Only a part that is no text shows that it does not.
      if (this.#state === "before" && this.#held.trim() !== "") {
        yield* this.#say(this.#held);
        yield* this.#endSearch();
      }
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
    if (!this.#hasThought) this.#lone = new LoneClosing();
    yield* this.#tell(text);
  }

  /** Tells text, and looks for a lone closing tag in it. */
  *#tell(text: string): Generator<LanguageModelV3StreamPart> {
    const { said, rest } = this.#lone?.read(text) ?? { said: text };
    if (said !== "") yield* this.#delta(said);
    if (rest === undefined) return;
    this.#lone = undefined;
    this.#hasThought = true;
    this.#state = "before";
    if (this.#start === undefined) yield thoughtEnd(this.#textId);
    this.#start = { type: "text-start", id: this.#textId };
    yield* this.#read(rest);
  }

  *#delta(delta: string): Generator<LanguageModelV3StreamPart> {
    if (this.#start !== undefined) yield this.#start;
    this.#start = undefined;
    yield { type: "text-delta", id: this.#textId, delta };
  }

  /** A part after the beginning of the text. */
  *#later(part: LanguageModelV3StreamPart): Generator<LanguageModelV3StreamPart> {
    if (this.#lone !== undefined && part.type === "text-delta" && part.id === this.#textId) {
      return yield* this.#tell(part.delta);
    }
    if (part.type !== "raw" && part.type !== "response-metadata") yield* this.#endSearch();
    yield* this.#pass(part);
  }

  *#endSearch(): Generator<LanguageModelV3StreamPart> {
    const held = this.#lone?.held ?? "";
    this.#lone = undefined;
    if (held !== "") yield* this.#delta(held);
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
      yield* this.#endSearch();
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
