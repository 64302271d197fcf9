// Permission rules and the gate (protocol.md section 7).
export type { AlwaysAllowed } from "./alwaysAllowed.js";
export { denyingRule, rulesAllow } from "./decide.js";
export { createPermissionGate, type PermissionGateOptions } from "./gate.js";
export type { GrantingPaths } from "./grantingFile.js";
export { hiddenBy, matchRule } from "./matchRule.js";
export { canBeAllowed } from "./narrowing.js";
export { OpenQuestions } from "./openQuestions.js";
export { SessionGrants } from "./sessionGrants.js";
