// The order of the permission modes (protocol.md section 7).
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** The strictest mode comes first. */
const modes: readonly PermissionMode[] = ["deny", "plan", "ask", "acceptEdits", "allow"];

/** The stricter of two modes. If one is not given, the other. */
export function stricterMode(
  mode: PermissionMode,
  other: PermissionMode | undefined,
): PermissionMode {
  if (other === undefined) return mode;
  return modes.indexOf(mode) <= modes.indexOf(other) ? mode : other;
}
