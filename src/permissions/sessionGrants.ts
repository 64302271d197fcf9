import type { RuleSubject } from "./matchRule.js";
import { urlHost } from "./urlPattern.js";

/**
 * What was allowed for a session (protocol.md section 7). A grant covers the same tool with the
 * same path or host, or with the same command line in the same folder: there a name such as
 * `./build.sh` means the same program. For a tool that has none of these, it covers the tool.
 * Grants are only in memory.
 */
export class SessionGrants {
  readonly #granted = new Set<string>();

  /** Remembers that a need is allowed. */
  add(need: RuleSubject): void {
    this.#granted.add(grantKey(need));
  }

  /** Whether an equal need was allowed before. */
  has(need: RuleSubject): boolean {
    return this.#granted.has(grantKey(need));
  }
}

/** Equal for what one grant covers. */
export function grantKey({ tool, subject, path, cwd }: RuleSubject): string {
  const folder = subject.kind === "command" ? [cwd ?? ""] : [];
  return JSON.stringify([tool, subject.kind, scopeOf(subject, path), ...folder]);
}

function scopeOf({ kind, value }: RuleSubject["subject"], path: string | undefined): string {
  switch (kind) {
    case "path":
      return path ?? value;
    case "url":
      return urlHost(value) ?? value;
    case "command":
      return value.trim();
    case "tool":
      return "";
  }
}
