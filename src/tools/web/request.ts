// One request to one address that was checked before. The name is not looked up again, so that the
// second answer cannot be another one.
import type { IncomingMessage } from "node:http";
import { isIP, type LookupFunction } from "node:net";
import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

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
      (response) => resolve(toWebResponse(response)),
    );
    sent.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    sent.end();
  });
}

/** A lookup function with one fixed answer, in both forms that callers may ask for. */
function pinnedLookup(address: string): LookupFunction {
  const family = isIP(address);
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function toWebResponse(response: IncomingMessage): WebResponse {
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    contentType: response.headers["content-type"] ?? "",
    body: decompressed(response),
  };
}

function decompressed(response: IncomingMessage): Readable {
  const decoder = decoderFor(response.headers["content-encoding"]?.trim().toLowerCase());
  if (decoder === undefined) return response;
  // A failure of one stream destroys the other. The reader gets the error from the last stream.
  return pipeline(response, decoder, () => {});
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
