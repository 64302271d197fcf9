// The `fetch` that a provider's package gets: it looks at an answer before the package does. An
// answer that is no stream of events becomes a clear error. Events that the package would misread
// are corrected.
import { EventBound } from "../base/eventBound.js";
import { type Line, LineSplitter } from "../base/lineSplitter.js";
import { Answer } from "../network/answer.js";
import { fetchWithinOrigin } from "../network/fetchWithinOrigin.js";
import type { Proxies } from "../network/proxies.js";
import { allowedSilence, tellLife } from "./callLife.js";
import { GarbledReplyError } from "./errorFacts.js";
import { FirstBytes } from "./firstBytes.js";
import { mappedStream, type PieceMap } from "./mappedStream.js";

/** An answer that is no stream, although its status says that all is well. */
export class NotAStreamError extends Error {
  override readonly name = "NotAStreamError";
  constructor(
    /** What came instead, in words for a person. */
    readonly came: string,
    /** The provider's own error, if the answer is one. */
    readonly data?: unknown,
  ) {
    super(`the answer is ${came}, not a stream of events`);
  }
}

/** Corrects the events of one answer. */
export interface EventRules {
  /** The corrected data of an event; several texts make several events. */
  data(data: string): string | readonly string[];
}

/** How the answers of a provider are read. */
export interface AnswerReading {
  /** Makes the rules of one answer. Without it, the events stay as they are. */
  readonly rules?: () => EventRules;
  /**
   * The most bytes of one event. A longer event ends the call with a `GarbledReplyError`. `Infinity`
   * is for answers that are no lines of text; their reader has a bound of its own.
   */
  readonly mostEventBytes?: number;
}

const longestLook = 64 * 1024;
const longestShown = 120;
/** As much as the longest reply that a turn accepts. An event is parsed in one piece, and more than once. */
const usualMostEventBytes = 16 * 1024 * 1024;
/** The most values of a long event: a package checks each of them, in one piece. */
export const mostEventValues = 50_000;
/** Only the beginning of a refusal is read: its words for a person are far shorter. */
const mostRefusalBytes = 256 * 1024;

/**
 * A `fetch` for a provider's package. What it answers is bounded, for every package: one event by
 * `mostEventBytes`, and a refusal by 256 KiB.
 *
 * @param proxies those that the provider is reached through.
 */
export function providerFetch(
  { proxies }: { readonly proxies?: Proxies },
  { rules, mostEventBytes = usualMostEventBytes }: AnswerReading = {},
): typeof fetch {
  return async (input, init) => {
    const route = { proxies, silenceMs: allowedSilence(init?.signal), isLight: true };
    const response = await fetchWithinOrigin(input, init, route);
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    if (!response.ok) {
      const body = response.body.pipeThrough(new FirstBytes(mostRefusalBytes));
      return Answer.of(body, { status, statusText, headers });
    }
    const type = headers.get("content-type")?.toLowerCase() ?? "";
    if (/html|json/.test(type)) throw await notAStream(response, type);
    const events = new EventBytes(init?.signal, rules?.(), mostEventBytes);
    const body = mappedStream(response.body, events);
    return Answer.of(body, { status, statusText, headers });
  };
}

async function notAStream(response: Response, type: string): Promise<NotAStreamError> {
  const text = await beginningOf(response);
  if (/html/.test(type) || text.trimStart().startsWith("<")) return new NotAStreamError(page(text));
  return new NotAStreamError("plain JSON", errorIn(text));
}

async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  while (text.length < longestLook) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.slice(0, longestLook);
}

/** An error that a server sends as if all were well. */
function errorIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    const inner = Array.isArray(value) ? value[0] : value;
    const isError = typeof inner === "object" && inner !== null && "error" in inner && inner.error;
    return isError ? inner : undefined;
  } catch {
    // It was cut, or it is no JSON although its type says so.
    return undefined;
  }
}

function page(text: string): string {
  const from = text.search(/<title/i);
  const open = from < 0 ? -1 : text.indexOf(">", from);
  const end = open < 0 ? -1 : text.indexOf("<", open);
  const title =
    end < 0
      ? ""
      : text
          .slice(open + 1, end)
          .replaceAll(/\s+/g, " ")
          .trim();
  return title === "" ? "a page of HTML" : `a page of HTML ("${title.slice(0, longestShown)}")`;
}

/** Passes the bytes of an event stream on; line by line if there are rules for its data. */
class EventBytes implements PieceMap<Uint8Array, Uint8Array> {
  readonly #signal: AbortSignal | null | undefined;
  readonly #rules: EventRules | undefined;
  readonly #bound: EventBound;
  /** The lines need no limit of their own: each is a part of an event, which has one. */
  readonly #splitter = new LineSplitter(Number.POSITIVE_INFINITY);
  #isFirst = true;

  constructor(
    signal: AbortSignal | null | undefined,
    rules: EventRules | undefined,
    mostEventBytes: number,
  ) {
    this.#signal = signal;
    this.#rules = rules;
    const most = { bytes: mostEventBytes, values: mostEventValues };
    this.#bound = new EventBound(most, (why) => new GarbledReplyError(why));
  }

  next(chunk: Uint8Array): Uint8Array[] {
    tellLife(this.#signal);
    if (this.#isFirst && chunk.length > 0) this.#look(chunk);
    this.#bound.take(chunk);
    if (this.#rules === undefined) return [chunk];
    return ruledLines(this.#splitter.push(chunk), this.#rules);
  }

  end(): Uint8Array[] {
    return this.#rules === undefined ? [] : ruledLines(this.#splitter.end(), this.#rules);
  }

  #look(chunk: Uint8Array): void {
    this.#isFirst = false;
    const start = new TextDecoder().decode(chunk.subarray(0, longestLook)).trimStart();
    if (start.startsWith("<")) throw new NotAStreamError(page(start));
    if (/^[[{]/.test(start)) throw new NotAStreamError("plain JSON", errorIn(start));
  }
}

/** The bytes of whole lines with corrected data; none if there are no lines. */
function ruledLines(lines: Iterable<Line>, rules: EventRules): Uint8Array[] {
  const texts = [...lines].map(({ text }) => `${ruled(text, rules)}\n`);
  return texts.length === 0 ? [] : [Buffer.from(texts.join(""))];
}

function ruled(line: string, rules: EventRules): string {
  if (!line.startsWith("data:")) return line;
  const data = line.slice("data:".length).trim();
  const next = rules.data(data);
  if (next === data) return line;
  return typeof next === "string"
    ? `data: ${next}`
    : next.map((one) => `data: ${one}`).join("\n\n");
}
