// How AWS's own library asks for credentials where a proxy is set: it knows of none by itself.
import { fetchVia } from "../network/fetchVia.js";
import type { Proxies } from "../network/proxies.js";

/** A request of AWS's library, as far as it matters here. */
interface AwsRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly method: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface AwsResponse {
  readonly statusCode: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What AWS's library sends its requests with. */
export interface AwsRequests {
  handle(request: AwsRequest): Promise<{ response: AwsResponse }>;
  destroy(): void;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

/** Requests that go through proxies. */
export function awsRequests(proxies: Proxies): AwsRequests {
  return {
    async handle({ protocol, hostname, port, path, method, query = {}, headers, body }) {
      const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
      for (const [name, values] of Object.entries(query)) {
        for (const value of [values].flat()) url.searchParams.append(name, value ?? "");
      }
      const content = typeof body === "string" || body instanceof Uint8Array ? body : undefined;
      const sent = Object.entries(headers).filter(
        ([name]) => !/^(host|content-length)$/i.test(name),
      );
      const init = { method, headers: sent, redirect: "manual" as const };
      const response = await fetchVia(
        url,
        content === undefined || content.length === 0
          ? init
          : { ...init, body: Buffer.from(content) },
        { proxies },
      );
      return {
        response: {
          statusCode: response.status,
          reason: response.statusText,
          headers: Object.fromEntries(response.headers),
          body: new Uint8Array(await response.arrayBuffer()),
        },
      };
    },
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}
