// `reasoning_details` of OpenRouter and Vercel. They need them back unchanged, with the message
// that called tools.
import type { LanguageModelV3Message, LanguageModelV3StreamPart } from "@ai-sdk/provider";

type Detail = Readonly<Record<string, unknown>>;

/** The package's name, under which it is kept and sent. */
const name = "openaiCompatible";
const kept = "reasoningDetails";
const growing = ["text", "summary"] as const;

/** Collects the details of one reply, piece by piece. */
export class ReasoningDetails {
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

  get all(): readonly Detail[] {
    return this.#details;
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

/** A transformation that keeps the details of a reply with the first of its tool calls. */
export function withDetails(
  details: ReasoningDetails,
): TransformStream<LanguageModelV3StreamPart, LanguageModelV3StreamPart> {
  // The tool calls are held until the end, since details may come after them. They are not run
  // earlier anyway.
  const held: Extract<LanguageModelV3StreamPart, { type: "tool-call" }>[] = [];
  return new TransformStream({
    transform(part, controller) {
      if (part.type === "tool-call") {
        held.push(part);
        return;
      }
      if (part.type === "finish" || part.type === "error") {
        for (const [index, call] of held.splice(0).entries()) {
          const hasThem = index === 0 && details.all.length > 0;
          controller.enqueue(hasThem ? withMetadata(call, details.all) : call);
        }
      }
      controller.enqueue(part);
    },
  });
}

function withMetadata(
  call: Extract<LanguageModelV3StreamPart, { type: "tool-call" }>,
  details: readonly Detail[],
) {
  const own = call.providerMetadata?.[name];
  const all = JSON.parse(JSON.stringify(details));
  return {
    ...call,
    providerMetadata: { ...call.providerMetadata, [name]: { ...own, [kept]: all } },
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
