// How much of a request to a provider was sent before, from its beginning on: what the provider need
// not read again.
import type { WireFormat } from "./wireFormats.js";

/** What of a body a provider reads, in the order in which it does, and without marks for caching. */
export function readInOrder(type: WireFormat["type"], body: string): string {
  const { tools, system, systemInstruction, instructions, ...rest } = JSON.parse(body);
  const said = rest.messages ?? rest.input ?? rest.contents;
  const text = JSON.stringify([tools, system, systemInstruction, instructions, said], unmarked);
  if (said === undefined) throw new Error(`no messages in a request of type ${type}`);
  // Without the brackets that close it: what comes next is said inside of them.
  return text.replace(/[\]}"]+$/, "");
}

function unmarked(key: string, value: unknown): unknown {
  return key === "cache_control" ? undefined : value;
}

/** The share of `earlier`, from 0 to 1, that `later` begins with. */
export function sharedPrefix(earlier: string, later: string): number {
  let length = 0;
  while (length < earlier.length && earlier[length] === later[length]) length++;
  return length / earlier.length;
}
