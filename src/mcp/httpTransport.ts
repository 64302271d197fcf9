// A tool server behind a URL, by the protocol's streamable HTTP.
import { type AuthProvider, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { defined } from "../base/defined.js";
import { fetchWithinOrigin } from "../network/fetchWithinOrigin.js";
import type { Proxies } from "../network/proxies.js";
import { callTimeoutMs } from "./callLimit.js";

const mostMessageBytes = 16 * 1024 * 1024;

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

/** The response. It is broken off if one message in it is longer than the limit. */
function bounded(response: Response): Response {
  if (response.body === null) return response;
  const isStream = response.headers.get("content-type")?.includes("text/event-stream") ?? false;
  let length = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      // An event ends with an empty line, so a chunk that contains one ends the event before it.
      const end = isStream ? lastEventEnd(chunk) : -1;
      length = end < 0 ? length + chunk.length : chunk.length - end;
      if (length <= mostMessageBytes) controller.enqueue(chunk);
      else controller.error(new Error(`a message has more than ${mostMessageBytes} bytes`));
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
}

/** The index of the last empty line of a chunk, or -1. */
function lastEventEnd(chunk: Uint8Array): number {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  return Math.max(
    bytes.lastIndexOf("\n\n"),
    bytes.lastIndexOf("\r\n\r\n"),
    bytes.lastIndexOf("\r\r"),
  );
}
