// A tool server behind a URL, by the protocol's streamable HTTP.
import { isUtf8 } from "node:buffer";
import { type AuthProvider, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { defined } from "../base/defined.js";
import { EventBound } from "../base/eventBound.js";
import {
  mostJsonValues,
  parseInSteps,
  steppedJsonBytes,
  TooManyValues,
} from "../base/steppedJson.js";
import { fetchWithinOrigin } from "../network/fetchWithinOrigin.js";
import type { Proxies } from "../network/proxies.js";
import { callTimeoutMs } from "./callLimit.js";

const mostMessageBytes = 16 * 1024 * 1024;
const mostInBatch = 1_000;
const mostOfEvent = { bytes: mostMessageBytes, values: 100_000 };

/**
 * The transport to a server at `url`, through `proxies` where there are any; `headers` go with every
 * request, and the token of `login`.
 */
export function httpTransport(
  url: string,
  headers: Readonly<Record<string, string>>,
  {
    proxies,
    login,
  }: { readonly proxies: Proxies | undefined; readonly login: AuthProvider | undefined },
): StreamableHTTPClientTransport {
  // A call may take so long without a word, and is bounded by itself.
  const route = { proxies, silenceMs: callTimeoutMs };
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...headers } },
    ...defined({ authProvider: login }),
    fetch: async (target, init) => bounded(await fetchWithinOrigin(target, init, route)),
  });
}

/**
 * The response. It is broken off if one message in it is longer than the limit. A long one is parsed in
 * steps where it is the whole body, and may have fewer values where it is an event: the package parses
 * that in one piece.
 */
function bounded(response: Response): Response {
  if (response.body === null) return response;
  const isStream = response.headers.get("content-type")?.includes("text/event-stream") ?? false;
  const events = new EventBound(mostOfEvent, (why) => new Error(why));
  let length = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (isStream) events.take(chunk);
      length += chunk.length;
      if (isStream || length <= mostMessageBytes) controller.enqueue(chunk);
      else controller.error(new Error(`a message has more than ${mostMessageBytes} bytes`));
    },
  });
  const { status, statusText, headers } = response;
  const body = response.body.pipeThrough(counter);
  const bounded = new Response(body, { status, statusText, headers });
  const json = async () => jsonOf(Buffer.from(await bounded.arrayBuffer()));
  return Object.defineProperty(bounded, "json", { value: json });
}

async function jsonOf(bytes: Buffer): Promise<unknown> {
  if (bytes.length <= steppedJsonBytes) return JSON.parse(bytes.toString("utf8"));
  if (!isUtf8(bytes)) throw new SyntaxError("a message is not UTF-8");
  const json = await parseInSteps(bytes).catch((error: unknown) => {
    if (!(error instanceof TooManyValues)) throw error;
    throw new Error(`a message has more than ${mostJsonValues} values`);
  });
  if (json.depthOf(json.value) > 0) throw new SyntaxError("a message is nested too deep");
  const isBatch = Array.isArray(json.value) && json.value.length > mostInBatch;
  if (isBatch) throw new SyntaxError(`there are more than ${mostInBatch} messages at once`);
  return json.value;
}
