// protocol.md section 4, `tools`: rules of a run narrow what it may do, and never widen it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { createPermissionGate, OpenQuestions, SessionGrants } from "../../src/permissions/index.js";
import { canBeAllowed, type Narrowing } from "../../src/permissions/narrowing.js";
import type { PermissionNeed } from "../../src/permissions/types.js";
import type { PermissionMode } from "../../src/protocol/objects/workspace.js";

const call = { toolCallId: "c", description: "d", input: {} };
const path = (tool: string, value: string): PermissionNeed => {
  const action = tool === "read" ? "read" : "write";
  return { ...call, tool, action, subject: { kind: "path", value } };
};
const bash = (value: string): PermissionNeed => ({
  ...call,
  tool: "bash",
  action: "execute",
  subject: { kind: "command", value },
});

async function isAllowed(
  narrowing: Narrowing,
  need: PermissionNeed,
  mode: PermissionMode = "allow",
  rules: { allow: string[]; deny: string[] } = { allow: [], deny: [] },
): Promise<boolean> {
  const gate = createPermissionGate({
    mode: () => mode,
    rules: () => rules,
    sessionGrants: new SessionGrants(),
    openQuestions: new OpenQuestions(systemClock),
    ask: async () => undefined,
    log: silentLog,
    narrowing,
  });
  return (await gate.check(need, new AbortController().signal)).allowed;
}

describe("`allow`", () => {
  const narrowing = { allow: ["read", "write:src/**", "bash:npm test", "bash:git status*"] };

  test.each([
    [path("read", "a.txt"), true],
    [path("write", "src/a.ts"), true],
    [path("write", "docs/a.md"), false],
    [path("edit", "src/a.ts"), false],
    [bash("npm test"), true],
    [bash("git status --short && npm test"), true],
    [bash("npm test && rm -rf x"), false],
    [bash("$(npm test)"), false],
  ])("%# allows what a rule matches, in the mode `allow` too", async (need, expected) => {
    expect(await isAllowed(narrowing, need)).toBe(expected);
  });

  test("allows nothing that the mode or a rule of the configuration refuses", async () => {
    expect(await isAllowed(narrowing, bash("npm test"), "deny")).toBe(false);
    const rules = { allow: [], deny: ["bash:npm*"] };
    expect(await isAllowed(narrowing, bash("npm test"), "allow", rules)).toBe(false);
  });

  test("that is empty allows nothing, not even to read", async () => {
    expect(await isAllowed({ allow: [] }, path("read", "a.txt"))).toBe(false);
  });
});

test("`deny` denies as a rule of the configuration does, over `allow` of both", async () => {
  const rules = { allow: ["bash", "write"], deny: [] };
  const narrowing = { allow: ["bash", "write"], deny: ["bash:rm*", "write:*.lock"] };
  expect(await isAllowed(narrowing, bash("rm -rf x"), "allow", rules)).toBe(false);
  expect(await isAllowed(narrowing, path("write", "a.lock"), "allow", rules)).toBe(false);
  expect(await isAllowed(narrowing, bash("ls"), "allow", rules)).toBe(true);
});

test("no rules of a run ever allow more than there would be allowed without them", async () => {
  const rule = fc.constantFrom("*", "bash", "bash:*", "bash:make", "write:src/**", "read", "task");
  const need = fc.constantFrom(
    bash("make"),
    bash("rm x"),
    path("write", "src/a"),
    path("read", "a"),
  );
  const list = fc.array(rule, { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ allow: list, deny: list }, { requiredKeys: [] }),
      need,
      fc.constantFrom<PermissionMode>("ask", "acceptEdits", "allow", "deny", "plan"),
      fc.record({ allow: list, deny: list }),
      async (narrowing, wanted, mode, rules) => {
        const narrow = await isAllowed(narrowing, wanted, mode, rules);
        const wide = await isAllowed({}, wanted, mode, rules);
        expect(narrow && !wide).toBe(false);
      },
    ),
  );
});

test.each([
  [{}, "bash", true],
  [{ allow: ["read"] }, "bash", false],
  [{ allow: ["bash:npm test"] }, "bash", true],
  [{ allow: ["gr*"] }, "grep", true],
  [{ allow: [] }, "read", false],
  [{ deny: ["bash"] }, "bash", false],
  [{ deny: ["bash:*"] }, "bash", false],
  [{ deny: ["bash:rm*"] }, "bash", true],
  [{ allow: ["bash"], deny: ["b*"] }, "bash", false],
  [{ allow: ["fetch"] }, "fetch", false],
] as const)("with %j, that %s can be allowed is %s", (narrowing, tool, expected) => {
  expect(canBeAllowed(narrowing, ["fetch"], tool)).toBe(expected);
});
