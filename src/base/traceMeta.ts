import { telemetry } from "./telemetry.js";

/** The `_meta` that tells another program of MCP or ACP where a request belongs in the trace. */
export function traceMeta(): { readonly _meta?: { readonly [name: string]: unknown } } {
  const here = telemetry()?.carrier();
  return here === undefined ? {} : { _meta: { ...here } };
}
