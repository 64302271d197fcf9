const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const lengthOfVersion0 = 55;
const longestParent = 256;

/**
 * Takes a `traceparent` of W3C Trace Context apart. It is a stranger's text, so undefined if it is not
 * exactly right, as the specification asks.
 */
export function readTraceParent(
  given: string,
): { readonly traceId: string; readonly spanId: string; readonly flags: number } | undefined {
  const text = given.length > longestParent ? "" : given;
  const [, version, traceId = "", spanId = "", flags = "", rest] = form.exec(text) ?? [];
  if (version === undefined || version === "ff") return undefined;
  if (version === "00" && text.length !== lengthOfVersion0) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId) || rest === "-") return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}
