/** The form of a permission rule: `tool` or `tool:pattern` (protocol.md section 7). */
export const rulePattern = /^[^:\s]+(:[\s\S]+)?$/;

/** The message for a text in another form. */
export const ruleForm = "a rule is `tool` or `tool:pattern`";
