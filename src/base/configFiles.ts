// The names of configuration files that other rooms than `config` must know too.

/** The name of a workspace's own file, at its root. */
export const workspaceFileName = "turnwire.json";

/**
 * The variable that sets fields of the user's configuration for one server: JSON, a list of
 * {@link ConfigSetting}.
 */
export const settingsVariable = "TURNWIRE_CONFIG_SET";

/** One field that is set: its names from the outermost on, and its value. */
export interface ConfigSetting {
  readonly path: readonly string[];
  readonly value: unknown;
}
