// Signatures of webhooks (https://www.standardwebhooks.com), by which a receiver knows who sent what.
import { createHmac } from "node:crypto";

/** The start of a secret that is written in base64. */
const secretStart = "whsec_";

/**
 * The header `webhook-signature` of a request: one signature for each secret. `secrets` are separated by
 * blanks; `seconds` is the time of the request since the Unix epoch.
 */
export function webhookSignature(
  secrets: string,
  { id, seconds, body }: { id: string; seconds: number; body: string },
): string {
  return secrets
    .split(/\s+/)
    .filter((secret) => secret !== "")
    .map((secret) => {
      const hmac = createHmac("sha256", keyOf(secret));
      return `v1,${hmac.update(`${id}.${seconds}.${body}`).digest("base64")}`;
    })
    .join(" ");
}

/** A secret that does not say that it is base64 is used as it is written. */
function keyOf(secret: string): Buffer {
  return secret.startsWith(secretStart)
    ? Buffer.from(secret.slice(secretStart.length), "base64")
    : Buffer.from(secret);
}
