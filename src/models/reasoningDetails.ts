// `reasoning_details` of OpenRouter and Vercel. They need them back unchanged, with the message
// that called tools.
import type {
  JSONArray,
  LanguageModelV3Message,
  LanguageModelV3StreamPart,
  SharedV3ProviderMetadata,
} from "@ai-sdk/provider";

type Detail = Readonly<Record<string, unknown>>;

/** The package's name, under which it is kept and sent. */
const name = "openaiCompatible";
const kept = "reasoningDetails";
const growing = ["text", "summary"] as const;

/**
 * Reads the details for the package, which gives each reply a reader of its own and puts what that has
 * found into the last part of the reply.
 */
export const detailsReader = {
  // Only streams are read.
  extractMetadata: async () => undefined,
  createStreamExtractor() {
    const details = new ReasoningDetails();
    return {
      processChunk: (chunk: unknown) => details.read(chunk),
      buildMetadata: () => details.metadata,
    };
  },
};

/** Collects the details of one reply, piece by piece. */
class ReasoningDetails {
  readonly #details: Detail[] = [];

  /** Takes the details of one chunk of the stream. */
  read(chunk: unknown): void {
    const delta = member(
      member(member(member(chunk, "choices"), "0"), "delta"),
      "reasoning_details",
    );
    if (!Array.isArray(delta)) return;
    for (const piece of delta) if (isDetail(piece)) this.#take(piece);
  }

  /** All of them, in the form of a part's metadata; undefined if there are none. */
  get metadata(): SharedV3ProviderMetadata | undefined {
    if (this.#details.length === 0) return undefined;
    return { [name]: { [kept]: JSON.parse(JSON.stringify(this.#details)) } };
  }

  /** A piece continues the newest detail if it belongs to the same thought. */
  #take(piece: Detail): void {
    const last = this.#details.at(-1);
    const isMore =
      last !== undefined &&
      last.type === piece.type &&
      last.index === piece.index &&
      sameId(last, piece) &&
      growing.some((field) => typeof piece[field] === "string" || isLate(piece));
    if (last === undefined || !isMore || piece.type === "reasoning.encrypted") {
      this.#details.push(piece);
      return;
    }
    const joined: Record<string, unknown> = { ...last };
    for (const [field, value] of Object.entries(piece)) {
      const before = joined[field];
      const grows = field === "text" || field === "summary";
      if (grows && typeof before === "string" && typeof value === "string") {
        joined[field] = before + value;
      } else if (value !== null && value !== undefined) {
        joined[field] = value;
      }
    }
    this.#details[this.#details.length - 1] = joined;
  }
}

type ToolCall = Extract<LanguageModelV3StreamPart, { type: "tool-call" }>;

/**
 * Keeps the details of one reply with the first of its tool calls. The calls are held until the end,
 * since details may come after them. They are not run earlier anyway.
 */
export class DetailedCalls {
  readonly #held: ToolCall[] = [];

  /** The parts to pass on now, instead of this one. */
  next(part: LanguageModelV3StreamPart): readonly LanguageModelV3StreamPart[] {
    if (part.type === "tool-call") {
      this.#held.push(part);
      return [];
    }
    if (this.#held.length === 0 || (part.type !== "finish" && part.type !== "error")) return [part];
    const [first, ...others] = this.#held.splice(0);
    const details = part.type === "finish" ? part.providerMetadata?.[name]?.[kept] : undefined;
    const detailed =
      first !== undefined && Array.isArray(details) ? withMetadata(first, details) : first;
    return [...(detailed === undefined ? [] : [detailed]), ...others, part];
  }
}

function withMetadata(call: ToolCall, details: JSONArray): ToolCall {
  const own = call.providerMetadata?.[name];
  return {
    ...call,
    providerMetadata: { ...call.providerMetadata, [name]: { ...own, [kept]: details } },
  };
}

/** A message of the model with its original details instead of its thoughts. */
export function withDetailsBack(message: LanguageModelV3Message): LanguageModelV3Message {
  if (message.role !== "assistant") return message;
  for (const part of message.content) {
    const details = part.providerOptions?.[name]?.[kept];
    if (!Array.isArray(details)) continue;
    const content = message.content.filter(({ type }) => type !== "reasoning");
    return { ...message, content, providerOptions: { [name]: { reasoning_details: details } } };
  }
  return message;
}

function sameId(a: Detail, b: Detail): boolean {
  return a.id === b.id || a.id == null || b.id == null;
}

/** A piece that contains only a signature. */
function isLate(piece: Detail): boolean {
  return typeof piece.signature === "string";
}

function member(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
}

function isDetail(value: unknown): value is Detail {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
