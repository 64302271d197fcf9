/** Decides which JSON-RPC 2.0 message a parsed JSON value is, or why it is none. */

/** A request's id as the specification allows it. */
export type JsonRpcId = string | number | null;

/** Params by name or by position; {@link classify} refuses all others. */
export type Params = object | unknown[];

/**
 * The messages that a client can send. An id is kept as it was parsed; `params: null` counts as
 * omitted.
 */
export type Incoming =
  | { kind: "request"; id: JsonRpcId; method: string; params: Params | undefined }
  | { kind: "notification"; method: string; params: Params | undefined }
  | { kind: "response"; id: JsonRpcId; outcome: ResponseOutcome }
  | { kind: "badResponse"; id: JsonRpcId; reason: string }
  | { kind: "invalid"; id: JsonRpcId; reason: string };

/** A response's result or error. */
export type ResponseOutcome =
  | { result: string | number | boolean | object | null }
  | { error: { code: number; message: string; data?: unknown } };

/**
 * Classifies `value`. `isOurRequest` tells whether a request of our own with this id is waiting: an
 * object with such an id and nothing else is a response that lost its result, not a bad request.
 */
export function classify(value: unknown, isOurRequest: (id: JsonRpcId) => boolean): Incoming {
  if (!isRecord(value)) return invalid(null, "a request is an object");
  const id = isId(value.id) ? value.id : null;
  if (value.method === undefined) {
    if (hasOutcome(value) || (id !== null && isOurRequest(id))) return response(value, id);
    return invalid(id, "`method` is missing");
  }
  return call(value, value.method, id);
}

function call(value: Record<string, unknown>, method: unknown, id: JsonRpcId): Incoming {
  const params = value.params ?? undefined;
  if (value.jsonrpc !== "2.0") return invalid(id, '`jsonrpc` must be "2.0"');
  if (typeof method !== "string") return invalid(id, "`method` must be a string");
  if (params !== undefined && !isStructured(params)) {
    return invalid(id, "`params` must be an object or an array");
  }
  if (value.id === undefined) return { kind: "notification", method, params };
  if (!isId(value.id)) return invalid(null, "`id` must be a string, a number or null");
  return { kind: "request", id, method, params };
}

function response(value: Record<string, unknown>, id: JsonRpcId): Incoming {
  const bad = (reason: string): Incoming => ({ kind: "badResponse", id, reason });
  if (value.jsonrpc !== "2.0") return bad('`jsonrpc` is not "2.0"');
  if (!isId(value.id)) return bad("`id` is neither a string nor a number nor null");
  // Many libraries send both members and leave the one that does not apply null.
  const error = value.error ?? undefined;
  if (error !== undefined) {
    if (value.result !== undefined && value.result !== null)
      return bad("both a result and an error");
    return isError(error)
      ? { kind: "response", id, outcome: { error } }
      : bad("`error` has no `code` that is a number or no `message` that is a string");
  }
  const { result } = value;
  if (!isJson(result)) return bad("neither a result nor an error");
  return { kind: "response", id, outcome: { result } };
}

function invalid(id: JsonRpcId, reason: string): Incoming {
  return { kind: "invalid", id, reason };
}

function hasOutcome(value: Record<string, unknown>): boolean {
  return value.result !== undefined || value.error !== undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isStructured(value) && !Array.isArray(value);
}

function isStructured(value: unknown): value is Params {
  return typeof value === "object" && value !== null;
}

function isId(value: unknown): value is JsonRpcId {
  return typeof value === "string" || typeof value === "number" || value === null;
}

function isError(value: unknown): value is { code: number; message: string; data?: unknown } {
  return isRecord(value) && typeof value.code === "number" && typeof value.message === "string";
}

/** Whether the member was present: `JSON.parse` never gives `undefined`. */
function isJson(value: unknown): value is string | number | boolean | object | null {
  return value !== undefined;
}
