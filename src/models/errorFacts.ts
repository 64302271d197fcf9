// Finds out what is known of an error that a provider's package threw or streamed. The packages
// throw `APICallError`s, stream bare objects of several shapes, and let the platform's own errors
// through; here they all become one plain record.

import { defined } from "../base/defined.js";
import { codesIn, type ErrorLayer, inside, layersOf, wordsIn } from "./errorLayers.js";

/** What is known of a model error. */
export interface ErrorFacts {
  /**
   * `http`: the provider answered with an error; `network`: no answer, or only a part of one;
   * `garbled`: an answer that makes no sense; `other`: anything else.
   */
  readonly kind: "http" | "network" | "garbled" | "other";
  readonly status?: number;
  /** The code of the connection's failure, e.g. `ECONNREFUSED`. */
  readonly networkCode?: string;
  /** The provider's own words and codes, as they came. */
  readonly words: string;
  readonly codes: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The objects that the error consists of. */
  readonly layers: readonly ErrorLayer[];
}

/** A reply that ended in a way that no reply should. */
export class GarbledReplyError extends Error {}

const mostWords = 5;
const longestWords = 20_000;

const networkCodes =
  /^(E[A-Z]{3,}|EAI_AGAIN|UND_ERR_\w+|ERR_(SSL|TLS)_\w+|CERT_\w+|[A-Z_]*(SELF_SIGNED|UNABLE_TO)\w*)$/;

const statusByCode: readonly (readonly [RegExp, number])[] = [
  [/insufficient_quota|rate_?limit|resource_exhausted|throttl|quota_?exceeded/i, 429],
  [/overload/i, 529],
  [/authentication|unauthenticated|invalid_api_key/i, 401],
  [/permission|access_?denied/i, 403],
  [/not_found/i, 404],
  [/invalid|bad_request|context_length|validation/i, 400],
  [/timeout/i, 504],
  [/unavailable|not_?ready/i, 503],
  [/server_error|api_error|internal|stream_?error/i, 500],
];

/** Collects everything that an error tells. */
export function factsOf(error: unknown): ErrorFacts {
  const networkCode = networkCodeOf(error);
  const layers = layersOf(error);
  const codes = codesIn(layers);
  const words = wordsOf(error, layers);
  const status = statusOf(error, layers, codes);
  const headers = headersOf(error);
  const rest = { codes, layers, ...defined({ headers }) };
  if (status !== undefined) return { kind: "http", status, words, ...rest };
  if (networkCode !== undefined) return { kind: "network", networkCode, words, ...rest };
  return { kind: kindByName(error, words), words, ...rest };
}

function kindByName(error: unknown, words: string): ErrorFacts["kind"] {
  const name = text(inside(error, "name"));
  if (name === "AI_InvalidResponseDataError" && /finish reason/.test(words)) {
    return "network";
  }
  if (name === "AI_EmptyResponseBodyError") return "network";
  if (error instanceof GarbledReplyError) return "garbled";
  if (/^AI_(InvalidResponseData|JSONParse|TypeValidation)Error$/.test(name)) return "garbled";
  return "other";
}

/** The status of the answer, else the status that an error inside an answer names. */
function statusOf(
  error: unknown,
  layers: readonly ErrorLayer[],
  codes: string,
): number | undefined {
  const own = statusIn({
    statusCode: inside(error, "statusCode"),
    status: inside(error, "status"),
  });
  const named = own ?? layers.map(statusIn).find((status) => status !== undefined);
  if (named !== undefined) return named;
  // Only a provider's streamed error names its status in words. In a platform's error, such words
  // mean something else.
  if (error instanceof Error && layers.length < 2) return undefined;
  return statusByCode.find(([pattern]) => pattern.test(codes))?.[1];
}

function statusIn(layer: ErrorLayer): number | undefined {
  for (const value of [layer.statusCode, layer.status_code, layer.code, layer.status]) {
    const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
    // If a body breaks off, the error still has the successful status of its beginning.
    if (typeof status === "number" && status >= 400 && status <= 599) return status;
  }
  return undefined;
}

/** The first code of a failed connection among an error and its causes. */
function networkCodeOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    const code = inside(current, "code");
    if (typeof code === "string" && networkCodes.test(code)) return code;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

/** The provider's own words, else the words of its package. */
function wordsOf(error: unknown, layers: readonly ErrorLayer[]): string {
  const own = error instanceof Error ? layers.slice(1) : layers;
  const words = wordsIn(own).slice(0, mostWords).join(": ");
  if (words !== "") return bounded(words);
  const body = text(inside(error, "responseBody")).trim();
  // An HTML page of a proxy has no text that fits in a sentence.
  if (body !== "" && !body.startsWith("<") && own.length === 0) return bounded(body);
  const message = text(inside(error, "message"));
  const cause = text(inside(inside(error, "cause"), "message"));
  const hides = message === "" || message === "Failed to process successful response";
  return bounded(text(error) || (hides ? cause : message));
}

/** Cut at the end of a word: half a secret would not be recognised and redacted. */
function bounded(words: string): string {
  if (words.length <= longestWords) return words;
  return words.slice(0, Math.max(0, words.lastIndexOf(" ", longestWords)));
}

function headersOf(error: unknown): Record<string, string> | undefined {
  const headers = inside(error, "responseHeaders");
  if (typeof headers !== "object" || headers === null) return undefined;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
