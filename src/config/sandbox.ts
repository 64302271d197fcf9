// What `permissions.sandbox` and `permissions.network` may say, and which of two is stricter.
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

/** What a checked file asks for; undefined where it asks for nothing. */
export function sandboxOf({
  sandbox = "off",
  network = "none",
}: Permissions): SandboxSetting | undefined {
  return sandbox === "off" ? undefined : { mode: sandbox, network };
}

/**
 * Of what an untrusted workspace asks for, what only takes from what the user allows. A sandbox that
 * lets the workspace be written makes questions needless, so that it is not stricter than none.
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

/** The error where a sandbox was asked for and cannot be enforced. */
export function sandboxUnavailable({ requested, reason }: SandboxInfo): DomainError {
  const why = reason ?? "the engine has none";
  return new DomainError(
    "SandboxUnavailable",
    `The sandbox \`${requested}\` cannot be enforced: ${why}. Mend that, or set \`permissions.sandbox\` to \`off\`.`,
  );
}
