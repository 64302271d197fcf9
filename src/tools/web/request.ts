// One request to one address that was checked before. The name is not looked up again, so that the
// second answer cannot be another one.
import { isIP, type LookupFunction } from "node:net";
import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { WebProxy } from "../../network/proxies.js";

/** An answer; its body is not read yet. */
export interface WebResponse {
  readonly status: number;
  readonly location: string | undefined;
  readonly contentType: string;
  readonly body: Readable;
}

const headers = {
  accept: "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, */*;q=0.1",
  "accept-encoding": "gzip, deflate, br",
  "user-agent": "turnwire",
};

/** Sends a GET for `url` to `address`. Rejects with the signal's reason when it is aborted. */
export async function requestFrom(
  url: URL,
  address: string,
  signal: AbortSignal,
): Promise<WebResponse> {
  const { request } =
    url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: "GET", headers, lookup: pinnedLookup(address), agent: false, signal },
      (response) => resolve(toWebResponse(response.statusCode, response.headers, response)),
    );
    sent.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    sent.end();
  });
}

/**
 * Like {@link requestFrom}, but through a proxy, which connects to `address`. `address` may also be the
 * host's name. Throws a `ProxyFault` if the proxy is the reason that there is no answer.
 */
export async function requestThroughProxy(
  url: URL,
  address: string,
  proxy: WebProxy,
  signal: AbortSignal,
): Promise<WebResponse> {
  const { requestThrough } = await import("../../network/connections.js");
  const response = await requestThrough({ url, address, proxy, headers, signal });
  return toWebResponse(response.status, response.headers, response.body);
}

/** A lookup function with one fixed answer, in both forms that callers may ask for. */
function pinnedLookup(address: string): LookupFunction {
  const family = isIP(address);
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function toWebResponse(
  status: number | undefined,
  sent: Readonly<Record<string, string | string[] | undefined>>,
  body: Readable,
): WebResponse {
  const header = (name: string) => [sent[name]].flat()[0];
  return {
    status: status ?? 0,
    location: header("location"),
    contentType: header("content-type") ?? "",
    body: decompressed(body, header("content-encoding")),
  };
}

function decompressed(body: Readable, encoding: string | undefined): Readable {
  const decoder = decoderFor(encoding?.trim().toLowerCase());
  if (decoder === undefined) return body;
  // A failure of one stream destroys the other. The reader gets the error from the last stream.
  return pipeline(body, decoder, () => {});
}

function decoderFor(encoding: string | undefined) {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    default:
      return undefined;
  }
}
