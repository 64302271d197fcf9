import type { RuleSubject } from "./matchRule.js";
import type { PermissionNeed } from "./types.js";
import { urlHost } from "./urlPattern.js";

/**
 * What was allowed for a session (protocol.md section 7). A grant covers the same tool with the
 * same path or host, or with the same command line in the same folder: there a name such as
 * `./build.sh` means the same program. What was allowed in a sandbox is allowed only in one. For a tool that has none of these, it covers the tool.
 * Grants are only in memory.
 */
export class SessionGrants {
  readonly #granted = new Set<string>();

  /** Remembers that a need is allowed. */
  add(need: GrantSubject): void {
    this.#granted.add(grantKey(need));
  }

  /** Whether an equal need was allowed before. */
  has(need: GrantSubject): boolean {
    return this.#granted.has(grantKey(need));
  }
}

/** What a grant is about. */
type GrantSubject = RuleSubject & Pick<PermissionNeed, "sandbox">;

/** Equal for what one grant covers. */
export function grantKey({ tool, subject, path, cwd, sandbox }: GrantSubject): string {
  const where = subject.kind === "command" ? [cwd ?? "", sandbox ?? ""] : [];
  return JSON.stringify([tool, subject.kind, scopeOf(subject, path), ...where]);
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
