// What holds for every message that a server sends, checked on each one that any test receives:
// its members are JSON-RPC's own, its content is what the protocol declares, and an error carries
// its name and tells nothing of the server's insides.
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import {
  clientNotifications,
  errorTable,
  methods,
  notifications,
  serverMethods,
  traceNotifications,
} from "../../src/protocol/index.js";

/** A message that a server sent. */
export interface WireFrame {
  readonly jsonrpc: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: WireError;
}

/** An error object. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data: {
    readonly name: string;
    readonly retryable: boolean;
    readonly [m: string]: unknown;
  };
}

/** What is wrong with a value that should be a message; undefined where nothing is. */
export function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return "not an object";
  if (value.jsonrpc !== "2.0") return "`jsonrpc` is not 2.0";
  const shape = Object.keys(value).sort().join();
  switch (shape) {
    case "id,jsonrpc,result":
      return undefined;
    case "error,id,jsonrpc":
      return problemOfError(value.error);
    case "jsonrpc,method,params":
      return problemOfNotification(String(value.method), value.params);
    case "id,jsonrpc,method,params":
      return problemOfRequest(String(value.method), value.params);
    default:
      return `has the members ${shape}`;
  }
}

/** What is wrong with a result of this method. */
export function problemOfResult(method: string, result: unknown): string | undefined {
  const declared = Object.entries(methods).find(([name]) => name === method)?.[1];
  return declared === undefined ? undefined : problemWith(declared.result(), result);
}

function problemOfRequest(method: string, params: unknown): string | undefined {
  const declared = Object.entries(serverMethods).find(([name]) => name === method)?.[1];
  if (declared === undefined) return `the request ${method} is not declared`;
  return problemWith(declared.params(), params);
}

function problemOfNotification(method: string, params: unknown): string | undefined {
  if (method === "$/cancelRequest") return undefined;
  if (Object.hasOwn(clientNotifications, method)) return `${method} is the client's to send`;
  const all = { ...notifications, ...traceNotifications };
  const declared = Object.entries(all).find(([name]) => name === method)?.[1];
  if (declared === undefined) return `${method} is not declared`;
  return problemWith(declared.params(), params);
}

/** Members that no schema names are a problem too: they are in no documentation. */
function problemWith(schema: z.ZodType, value: unknown): string | undefined {
  const parsed = schema.safeParse(value);
  if (!parsed.success) return parsed.error.message;
  return isDeepStrictEqual(parsed.data, value) ? undefined : "has members that are not declared";
}

const codes = new Map<string, number>(
  Object.entries(errorTable).map(([name, { code }]) => [name, code]),
);
/** A stack, or a place in the program or its dependencies. */
const internal =
  /\n\s+at |node:internal|node_modules|\/(src|dist|chunks)\/\S+\.[jt]s|\.lock\b|turnwire\.db/;

function problemOfError(error: unknown): string | undefined {
  if (!isRecord(error)) return "`error` is no object";
  const { code, message, data } = error;
  if (Object.keys(error).sort().join() !== "code,data,message") return "`error` lacks a member";
  if (typeof message !== "string" || message === "") return "`error.message` is no text";
  if (!isRecord(data) || typeof data.name !== "string") return "`error.data.name` is no text";
  if (typeof data.retryable !== "boolean") return "`error.data.retryable` is no boolean";
  if (codes.get(data.name) !== code) return `${data.name} has the code ${String(code)}`;
  if (internal.test(JSON.stringify(error).replaceAll("\\n", "\n"))) return "tells of the insides";
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
