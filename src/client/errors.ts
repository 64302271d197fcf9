/** The errors of a client's promises: the server refused, or the server is gone. */
import { type ErrorName, errorTable } from "../base/errors.js";

/**
 * An error that the server answered (protocol.md section 8). `name` is the stable name to branch
 * on; `data` has the other members of the error. A name that this version does not know is passed
 * through.
 */
export class TurnwireRpcError extends Error {
  override readonly name: ErrorName | (string & Record<never, never>);
  readonly code: number;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: number, message: string, data: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.data = data;
    this.name = typeof data.name === "string" ? data.name : (nameOfCode(code) ?? "UnknownError");
    this.retryable = data.retryable === true;
  }
}

/** The server ended, or the connection broke, before the answer came. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLost";
  /** The end of what a spawned server wrote to stderr; empty for an attached one. */
  readonly stderr: string;

  constructor(message: string, options: { stderr?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.stderr = options.stderr ?? "";
  }
}

/**
 * The error of a server's answer as a `TurnwireRpcError`; everything else is returned unchanged.
 */
export function fromWire(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") {
    return error;
  }
  const data = "data" in error && isRecord(error.data) ? error.data : {};
  return new TurnwireRpcError(error.code, error.message, data);
}

function nameOfCode(code: number): string | undefined {
  return Object.entries(errorTable).find(([, entry]) => entry.code === code)?.[0];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
