// What can be known of an error that a provider's package threw or streamed. The packages throw
// `APICallError`s, stream bare objects of several shapes, and let the platform's own errors through;
// here they all become one plain record.
import { defined } from "../base/defined.js";

/** What is known of a model error. */
export interface ErrorFacts {
  /** `http`: the provider answered with an error; `network`: no answer, or half of one; `garbled`:
   * an answer that makes no sense; `other`: nothing of the kind. */
  readonly kind: "http" | "network" | "garbled" | "other";
  readonly status?: number;
  /** The code of the connection's failure, e.g. `ECONNREFUSED`. */
  readonly networkCode?: string;
  /** The provider's own words and codes, as they came. */
  readonly words: string;
  readonly codes: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A reply that ended in a way that no reply should. */
export class GarbledReplyError extends Error {}

const networkCodes =
  /^(E[A-Z]{3,}|EAI_AGAIN|UND_ERR_\w+|ERR_(SSL|TLS)_\w+|CERT_\w+|[A-Z_]*(SELF_SIGNED|UNABLE_TO)\w*)$/;

const statusByCode: readonly (readonly [RegExp, number])[] = [
  [/insufficient_quota|rate_?limit|resource_exhausted/i, 429],
  [/overload/i, 529],
  [/authentication|unauthenticated|invalid_api_key/i, 401],
  [/permission/i, 403],
  [/not_found/i, 404],
  [/invalid|bad_request|context_length/i, 400],
  [/timeout/i, 504],
  [/unavailable/i, 503],
  [/server_error|api_error|internal/i, 500],
];

/** Reads whatever an error tells. */
export function factsOf(error: unknown): ErrorFacts {
  const networkCode = networkCodeOf(error);
  const body = bodyOf(error);
  const codes = codesOf(error, body);
  const words = wordsOf(error, body);
  const status = statusOf(error, codes);
  const headers = headersOf(error);
  const rest = { codes, ...defined({ headers }) };
  if (status !== undefined) return { kind: "http", status, words, ...rest };
  if (networkCode !== undefined) return { kind: "network", networkCode, words, ...rest };
  return { kind: kindByName(error, words), words, ...rest };
}

function kindByName(error: unknown, words: string): ErrorFacts["kind"] {
  const name = text(field(error, "name"));
  if (name === "AI_InvalidResponseDataError" && /finish reason/.test(words)) {
    return "network";
  }
  if (name === "AI_EmptyResponseBodyError") return "network";
  if (error instanceof GarbledReplyError) return "garbled";
  if (/^AI_(InvalidResponseData|JSONParse|TypeValidation)Error$/.test(name)) return "garbled";
  return "other";
}

function statusOf(error: unknown, codes: string): number | undefined {
  for (const value of [field(error, "statusCode"), field(error, "code"), field(error, "status")]) {
    const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
    // A body that breaks off is an error with the status of its healthy beginning.
    if (typeof status === "number" && status >= 400 && status <= 599) return status;
  }
  // Only what a provider streamed names its status in words; a platform's error means another thing.
  if (error instanceof Error) return undefined;
  return statusByCode.find(([pattern]) => pattern.test(codes))?.[1];
}

function codesOf(error: unknown, body: unknown): string {
  const data = field(error, "data");
  return [error, data, field(data, "error"), body, field(body, "error")]
    .flatMap((source) => [field(source, "code"), field(source, "type"), field(source, "status")])
    .filter((code) => typeof code === "string" || typeof code === "number")
    .join(" ");
}

/** The first code of a failed connection among an error and its causes. */
function networkCodeOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    const code = field(current, "code");
    if (typeof code === "string" && networkCodes.test(code)) return code;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

/** The provider's words: from the body of its answer where the package could not read it. */
function wordsOf(error: unknown, body: unknown): string {
  const inner = field(body, "error");
  const message = text(field(error, "message"));
  const cause = text(field(field(error, "cause"), "message"));
  const hides = message === "" || message === "Failed to process successful response";
  return (
    [body, field(inner, "message"), inner, field(body, "message"), field(body, "detail")]
      .map(text)
      .find((words) => words !== "") ??
    (text(error) || (hides ? cause : message))
  );
}

/** The body of an answer: parsed, or as it is; undefined where it says nothing. */
function bodyOf(error: unknown): unknown {
  const body = text(field(error, "responseBody")).trim();
  // A proxy's page of HTML has nothing that fits in a sentence.
  if (body === "" || body.startsWith("<")) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function headersOf(error: unknown): Record<string, string> | undefined {
  const headers = field(error, "responseHeaders");
  if (typeof headers !== "object" || headers === null) return undefined;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Reflect.get(value, name);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
