/** What a frame holds: a JSON value, and what else of its text must be known (protocol.md section 1). */
import { setImmediate } from "node:timers/promises";
import { defined } from "../base/defined.js";
import { deepestJson, isNestedDeeper } from "../base/jsonDepth.js";
import { mostJsonValues, parseInSteps, TooManyValues } from "../base/steppedJson.js";
import type { BadFrame } from "./framing.js";
import { sourceOf } from "./jsonSource.js";
import { OversizedRequest } from "./oversizedRequest.js";

/** How much of a message is searched for its id in one turn of the event loop, in bytes. */
const bytesPerStep = 1024 * 1024;

/** The content of a frame. */
export interface MessageContent {
  readonly kind: "content";
  readonly value: unknown;
  /** Whether params, or the outcome of a request, are nested deeper than is taken. */
  isTooDeep(value: unknown): boolean;
  /** The text of the member `id` of the object at `path`, which JavaScript cannot hold as a number. */
  idTextAt(path: readonly (string | number)[]): string | undefined;
}

/** The content of a text; undefined if it is no JSON. */
export function readContent(text: string): MessageContent | undefined {
  try {
    return {
      kind: "content",
      value: JSON.parse(text),
      isTooDeep: (value) => isNestedDeeper(value),
      idTextAt: (path) => sourceOf(text, [...path, "id"]),
    };
  } catch {
    // It is no JSON; nothing else is thrown.
    return undefined;
  }
}

/** The content of a large frame, or why it is none. Reads in steps; never rejects. */
export async function readLargeContent(bytes: Buffer): Promise<MessageContent | BadFrame> {
  try {
    const json = await parseInSteps(bytes);
    return {
      kind: "content",
      value: json.value,
      isTooDeep: (value) => {
        const { result, error } = Object(value) as { readonly result?: unknown; error?: unknown };
        const around = Math.max(json.depthOf(result), json.depthOf(error)) + 1;
        return Math.max(json.depthOf(value), around) > deepestJson;
      },
      idTextAt: (path) => json.idTextOf(path.reduce(memberOf, json.value)),
    };
  } catch (error) {
    if (!(error instanceof TooManyValues)) {
      return { kind: "bad", name: "ParseError", reason: "not JSON" };
    }
    const reason = `a message may have ${mostJsonValues} values at most`;
    return { kind: "bad", name: "MessageTooLarge", reason, ...defined({ id: await idIn(bytes) }) };
  }
}

function memberOf(value: unknown, name: string | number): unknown {
  return (Object(value) as Record<string | number, unknown>)[name];
}

/** The JSON text of a request's id. */
async function idIn(bytes: Buffer): Promise<string | undefined> {
  const request = new OversizedRequest();
  for (let at = 0; at < bytes.length; at += bytesPerStep) {
    const id = request.push(bytes.subarray(at, at + bytesPerStep));
    if (id !== undefined) return id === "none" ? undefined : id;
    await setImmediate();
  }
  return undefined;
}
