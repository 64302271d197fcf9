/**
 * The errors with which the transport itself answers, in their form on the wire (protocol.md
 * section 8).
 */
import { errorTable } from "../base/errors.js";

/** An error object of JSON-RPC 2.0; `data` always has `name` and `retryable`. */
export interface WireError {
  code: number;
  message: string;
  data: { name: string; retryable: boolean } & Record<string, unknown>;
}

/** The messages are those that the examples of JSON-RPC 2.0, section 7, show. */
const messages = {
  ParseError: "Parse error",
  InvalidRequest: "Invalid Request",
  MessageTooLarge: "Message too large",
  InvalidParams: "Invalid params",
  InternalError: "Internal error",
} as const;

/** Makes the error; `reason` says what was wrong, in words that are fit for a user. */
export function wireError(name: keyof typeof messages, reason: string): WireError {
  const { code, retryable } = errorTable[name];
  const issues = name === "InvalidParams" ? { issues: [{ path: "", message: reason }] } : {};
  return { code, message: messages[name], data: { name, retryable, reason, ...issues } };
}

/** The text of an error answer; `idText` is the request's id as JSON text. */
export function errorAnswer(idText: string, error: object): string {
  return `{"jsonrpc":"2.0","id":${idText},"error":${JSON.stringify(error)}}`;
}

/** The text of a result's answer; throws what `JSON.stringify` throws. */
export function resultAnswer(idText: string, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result) ?? "null"}}`;
}
