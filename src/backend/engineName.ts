/** The name of the built-in engine (`AgentInfo.engine`). */
export const builtInEngine = "turnwire";
