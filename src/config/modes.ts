// The permission modes by how much they let happen (protocol.md section 7).
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** From the strictest on. */
const modes: readonly PermissionMode[] = ["deny", "plan", "ask", "acceptEdits", "allow"];

/** Of two modes the one that lets less happen; the other where one is not given. */
export function stricterMode(
  mode: PermissionMode,
  other: PermissionMode | undefined,
): PermissionMode {
  if (other === undefined) return mode;
  return modes.indexOf(mode) <= modes.indexOf(other) ? mode : other;
}
