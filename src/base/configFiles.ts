// The names of the configuration's files, which more than the configuration has to know.

/** The name of a workspace's own file, at its root. */
export const workspaceFileName = "turnwire.json";
