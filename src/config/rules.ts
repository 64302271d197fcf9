/** The form of a permission rule: `tool` or `tool:pattern` (protocol.md section 7). */
export const rulePattern = /^[^:\s]+(:[\s\S]+)?$/;

/** What is said of a text that has another form. */
export const ruleForm = "a rule is `tool` or `tool:pattern`";
