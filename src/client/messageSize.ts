// Checks the size of a request before it is sent. A server skips a message that is too long, and
// can answer it only if it finds the id in it.
import { errorTable } from "../base/errors.js";
import { TurnwireRpcError } from "./errors.js";

/**
 * Enough bytes for the rest of a request beside its method and params: `{"jsonrpc":"2.0","id":…}`.
 */
const frameBytes = 100;

/**
 * @throws TurnwireRpcError `MessageTooLarge`, like the server's answer, if a request has more bytes
 * than the server takes.
 */
export function refuseOversized(method: string, params: object, most: number | undefined): void {
  // No character takes more than six bytes (`\\u0000`), so most requests need not be measured.
  if (most === undefined || !mayHaveMore(params, most / 6 - frameBytes)) return;
  const bytes = Buffer.byteLength(JSON.stringify({ method, params })) + frameBytes;
  if (bytes <= most) return;
  const reason = `${method} would take ${bytes} bytes, and the server takes ${most} at most; send less, or start it with a larger --max-message-bytes`;
  const { code, retryable } = errorTable.MessageTooLarge;
  const data = { name: "MessageTooLarge", retryable, reason };
  throw new TurnwireRpcError(code, `Message too large: ${reason}`, data);
}

/**
 * Whether the texts in a value may have more characters than a limit; stops as soon as they have.
 */
function mayHaveMore(value: unknown, most: number): boolean {
  const rest: unknown[] = [value];
  let count = 0;
  while (rest.length > 0) {
    const next = rest.pop();
    count += typeof next === "string" ? next.length : 24;
    if (count > most) return true;
    if (typeof next === "object" && next !== null) {
      for (const [name, inner] of Object.entries(next)) {
        count += name.length;
        rest.push(inner);
      }
    }
  }
  return false;
}
