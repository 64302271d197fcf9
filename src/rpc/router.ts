// Takes a method's name and raw params: checks the params, calls the handler, and translates
// errors.

import type { Caller } from "../backend/caller.js";
import { cutText } from "../base/text.js";
import { type MethodName, methods, type Params, type Result } from "../protocol/registry.js";
import { type ErrorTranslator, invalidParams, wireError } from "./errorTranslation.js";
import type { Handler, Handlers } from "./handlers.js";
import { type Rest, whileHeld } from "./heldRequests.js";

/** How much of an unknown method's name is told back, in UTF-16 units. */
const mostMethodTold = 1_000;

/** Routes the messages of one connection. */
export class Router {
  readonly #handlers: Handlers;
  readonly #translator: ErrorTranslator;
  readonly #rest: Rest;

  constructor(handlers: Handlers, translator: ErrorTranslator, rest: Rest) {
    this.#handlers = handlers;
    this.#translator = translator;
    this.#rest = rest;
  }

  /**
   * Answers a request. Everything before its first `await` happens in the same step as the
   * request's arrival, unless another program holds the database. Rejects only with a
   * `ResponseError`.
   */
  async request(method: string, params: unknown, caller: Caller): Promise<object> {
    if (!isMethod(method)) {
      // This is the message in the examples of JSON-RPC 2.0.
      throw wireError("MethodNotFound", "Method not found", {
        method: cutText(method, mostMethodTold),
      });
    }
    return this.#call(method, params, caller);
  }

  /** Whether a method may be sent as a notification. */
  takesNotification(method: string): boolean {
    return isMethod(method) && methods[method].alsoNotification;
  }

  async #call<M extends MethodName>(
    method: M,
    params: unknown,
    caller: Caller,
  ): Promise<Result<M>> {
    const parsed = parse(method, params);
    const handler: Handler<M> = this.#handlers[method];
    try {
      return await whileHeld(() => handler(parsed, caller), caller, this.#rest);
    } catch (error) {
      throw this.#translator.translate(error, method, caller);
    }
  }
}

function isMethod(method: string): method is MethodName {
  return Object.hasOwn(methods, method);
}

/** Checks params at the border (protocol.md sections 2 and 8). */
function parse<M extends MethodName>(method: M, params: unknown): Params<M> {
  const isEmptyList = Array.isArray(params) && params.length === 0;
  const named = params === undefined || params === null || isEmptyList ? {} : params;
  if (Array.isArray(named)) {
    const message = "params go by name, in an object";
    throw wireError("InvalidParams", `Invalid params: ${message}`, {
      issues: [{ path: "", message }],
    });
  }
  const result = methods[method].params().safeParse(named);
  if (!result.success) throw invalidParams(result.error);
  return result.data as Params<M>;
}
