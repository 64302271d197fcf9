// Makes JSON-RPC errors from domain errors (protocol.md section 8); this is the only place for it.
// An unexpected error is logged under an id, and the client gets only the id.
import { ResponseError } from "vscode-jsonrpc/node";
import type * as z from "zod";
import { DomainError, type ErrorName, errorTable } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";

/** A wire error's `data`. */
export interface ErrorData {
  readonly name: ErrorName;
  readonly retryable: boolean;
  readonly [member: string]: unknown;
}

/** The wire error of a name. */
export function wireError(
  name: ErrorName,
  message: string,
  data: Readonly<Record<string, unknown>> = {},
): ResponseError<ErrorData> {
  const { code, retryable } = errorTable[name];
  return new ResponseError(code, message, { ...data, name, retryable });
}

/** The most issues of one request that are reported. */
const mostIssues = 50;

/** The wire error for params that do not fit their schema: names each field and what is wrong. */
export function invalidParams(error: z.ZodError): ResponseError<ErrorData> {
  const issues = error.issues.slice(0, mostIssues).map((issue) => ({
    path: issue.path.join("."),
    message: issue.message,
  }));
  const told = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  return wireError("InvalidParams", `Invalid params: ${told.join("; ")}`, { issues });
}

/** Translates an error that a use case threw. */
export class ErrorTranslator {
  readonly #ids: Ids;
  readonly #log: Log;

  constructor(ids: Ids, log: Log) {
    this.#ids = ids;
    this.#log = log;
  }

  /** The wire error for anything that `method` threw when `caller` called it. */
  translate(
    error: unknown,
    method: string,
    caller: { readonly signal: AbortSignal },
  ): ResponseError<ErrorData> {
    if (error instanceof DomainError) {
      if (error.cause !== undefined) this.#log.warn({ err: error.cause, method }, error.message);
      return wireError(error.name, error.message, error.data);
    }
    const { signal } = caller;
    if (signal.aborted && error === signal.reason) {
      return wireError("RequestCancelled", "The request was cancelled.");
    }
    const errorId = this.#ids.next("err");
    this.#log.error({ err: error, errorId, method }, "a request failed unexpectedly");
    return wireError(
      "InternalError",
      `Something unexpected went wrong; the server's log has it as ${errorId}.`,
      { errorId },
    );
  }
}
