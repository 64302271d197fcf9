// The values of `permissions.sandbox` and `permissions.network`, and which of two is stricter.
import { DomainError } from "../base/errors.js";
import type { SandboxInfo } from "../protocol/objects/model.js";
import type { SandboxSetting } from "./types.js";

/** From the least to the most. */
export const sandboxes = ["off", "workspace-write", "read-only"] as const;
/** From the least to the most. */
export const networks = ["allow", "none"] as const;

/** The part of `permissions` that this is about. */
interface Permissions {
  sandbox?: (typeof sandboxes)[number];
  network?: (typeof networks)[number];
}

/** What a checked file asks for; undefined if it asks for nothing. */
export function sandboxOf({
  sandbox = "off",
  network = "none",
}: Permissions): SandboxSetting | undefined {
  return sandbox === "off" ? undefined : { mode: sandbox, network };
}

/**
 * The wishes of an untrusted workspace that only restrict what the user allows. A sandbox with a
 * writable workspace makes questions needless, so it does not count as stricter than no sandbox.
 */
export function stricterSandbox(
  wanted: Permissions,
  users: SandboxSetting | undefined,
  leaveOut: (field: string, why: string) => void,
): Permissions {
  const stricter: Permissions = {};
  const why = "an untrusted workspace may make it stricter, not looser";
  if (wanted.sandbox === "read-only" || wanted.sandbox === (users?.mode ?? "off")) {
    stricter.sandbox = wanted.sandbox;
  } else if (wanted.sandbox !== undefined) leaveOut("permissions.sandbox", why);
  if (wanted.network === "none" || wanted.network === users?.network) {
    if (wanted.network !== undefined) stricter.network = wanted.network;
  } else if (wanted.network !== undefined) leaveOut("permissions.network", why);
  return stricter;
}

/** The error if the configured sandbox cannot be enforced. */
export function sandboxUnavailable({ requested, reason }: SandboxInfo): DomainError {
  const why = reason ?? "the engine has none";
  return new DomainError(
    "SandboxUnavailable",
    `The sandbox \`${requested}\` cannot be enforced: ${why}. Mend that, or set \`permissions.sandbox\` to \`off\`.`,
  );
}
