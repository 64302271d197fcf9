// Lets every editor begin, whatever version of the protocol it asks for (protocol.md section 14). The SDK
// refuses what is no version at all, but there is only one answer to give.

/** The only version that is spoken. */
export const protocolVersion = 1;

/** The largest number that is a version. */
const largest = 65_535;

/** A request; a greeting that asks for no version, or for none that there could be, asks for ours. */
export function withAVersion<R extends { readonly method: string; readonly params?: unknown }>(
  request: R,
): R {
  if (request.method !== "initialize") return request;
  const params = request.params ?? {};
  if (typeof params !== "object" || Array.isArray(params)) return request;
  const asked = "protocolVersion" in params ? params.protocolVersion : undefined;
  const isVersion = Number.isInteger(asked) && Number(asked) >= 0 && Number(asked) <= largest;
  return isVersion ? request : { ...request, params: { ...params, protocolVersion } };
}
