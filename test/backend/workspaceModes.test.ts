import { expect, it } from "vitest";
import { WorkspaceModes } from "../../src/backend/workspaceModes.js";
import { resolveConfig } from "../../src/config/resolve.js";
import type { RunTerms } from "../../src/coordinator/runTerms.js";
import type { PermissionMode } from "../../src/protocol/objects/workspace.js";

const permissions = { allow: ["bash:ls", "bash:pwd"], deny: ["bash:rm *"] };
const config = resolveConfig({ user: { permissions }, workspace: {}, trusted: false, env: {} });

/** The permissions of a run that was accepted in one mode, and goes on where another holds. */
function goingOn(
  accepted: PermissionMode,
  now: PermissionMode,
  more: { readonly terms?: Partial<RunTerms>; readonly isAlone?: boolean } = {},
) {
  const { isAlone = false } = more;
  const terms: RunTerms = { mode: accepted, trusted: false, env: [], ...more.terms };
  return new WorkspaceModes(now).ofRun(undefined, async () => config, { terms, isAlone });
}

it.each([
  ["allow", "ask", "ask"],
  ["ask", "allow", "ask"],
  ["acceptEdits", "plan", "plan"],
  ["plan", "deny", "deny"],
  ["deny", "allow", "deny"],
] as const)("a run of `%s` that goes on in `%s` has `%s`", (accepted, now, expected) => {
  expect(goingOn(accepted, now).mode()).toBe(expected);
});

it("a run whose client is not there has the mode in which it was accepted", () => {
  expect(goingOn("allow", "ask", { isAlone: true }).mode()).toBe("allow");
  expect(goingOn("deny", "allow", { isAlone: true }).mode()).toBe("deny");
});

it("what both allow is allowed, and what one of them denies is denied", async () => {
  const rules = { allow: ["bash:ls", "bash:make"], deny: ["bash:curl *"] };
  expect(await goingOn("ask", "ask", { terms: { rules } }).rules()).toMatchObject({
    allow: ["bash:ls"],
    deny: ["bash:rm *", "bash:curl *"],
  });
});
