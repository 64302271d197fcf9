/** The name of the tool with which a model ends a run with a value (protocol.md section 4, Output). */
export const outputToolName = "finalOutput";
