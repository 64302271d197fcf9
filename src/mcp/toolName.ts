import { createHash } from "node:crypto";

/** The longest name that every provider takes. */
const mostCharacters = 64;

/**
 * The name under which the model calls a tool of a tool server: `mcp__server__tool`. It depends
 * only on these two names, so that a rule or a grant always means the same tool. If the plain form
 * is too long, has characters that providers refuse, or could mean another pair, it ends in eight
 * digits of a hash.
 */
export function toolName(server: string, tool: string): string {
  const plain = `mcp__${server}__${tool}`;
  const isPlain =
    /^[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*$/.test(server) &&
    /^[A-Za-z0-9_-]+$/.test(tool) &&
    plain.length <= mostCharacters;
  if (isPlain) return plain;
  const hash = createHash("sha256").update(`${server}\0${tool}`).digest("hex").slice(0, 8);
  const cleaned = plain.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, mostCharacters - 9);
  return `${cleaned}_${hash}`;
}
