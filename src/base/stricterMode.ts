// The order of the permission modes (protocol.md section 7).

/** The strictest mode comes first. */
const modes = ["deny", "plan", "ask", "acceptEdits", "allow"] as const;

/** As `PermissionMode` of the protocol. */
type Mode = (typeof modes)[number];

/** The stricter of two modes. If one is not given, the other. */
export function stricterMode(mode: Mode, other: Mode | undefined): Mode {
  if (other === undefined) return mode;
  return modes.indexOf(mode) <= modes.indexOf(other) ? mode : other;
}
