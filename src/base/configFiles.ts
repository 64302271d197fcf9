// The names of configuration files that other rooms than `config` must know too.

/** The name of a workspace's own file, at its root. */
export const workspaceFileName = "turnwire.json";
